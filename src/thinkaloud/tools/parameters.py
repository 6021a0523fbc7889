"""Reads the parameters of a function from its signature and writes them as JSON Schema."""

import dataclasses
import functools
import inspect
import types
from collections.abc import Callable, Iterator
from typing import (
    Annotated,
    Any,
    Literal,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import msgspec

from thinkaloud.errors import InvalidRequest
from thinkaloud.ports.tool import ToolContext


class Parameter(msgspec.Struct, frozen=True):
    """One parameter of a tool. `text` is its description, from the hint or the docstring."""

    name: str
    hint: object
    required: bool
    default: object = None
    text: str = ""


def parameters_of(
    function: Callable[..., object], tool_name: str, texts: dict[str, str]
) -> tuple[Parameter, ...]:
    """Return the parameters of a function. `texts` are the descriptions from its docstring.

    Leaves out the one that gets the context: see `context_parameter`.
    Raises `InvalidRequest` if a parameter cannot be passed by name or a hint cannot be resolved.
    """
    try:
        hints = _hints(function)
        signature = inspect.signature(function)
    except (NameError, TypeError, ValueError) as error:
        raise InvalidRequest(
            f"The signature of tool {tool_name} cannot be read: {error}.", field="tools"
        ) from error
    found: list[Parameter] = []
    for parameter in signature.parameters.values():
        if hints.get(parameter.name) is ToolContext:
            continue
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            raise InvalidRequest(
                f"Tool {tool_name} takes '{parameter}', which a model cannot pass by name.",
                field="tools",
            )
        hint = hints.get(parameter.name, Any)
        hint = Any if hint is object else hint
        text = _text(hint) or texts.get(parameter.name, "")
        required = parameter.default is parameter.empty
        if not required and parameter.default is None:
            hint = hint | None
        found.append(
            Parameter(
                name=parameter.name,
                hint=hint,
                required=required,
                default=cast("object", parameter.default),
                text=text,
            )
        )
    return tuple(found)


def context_parameter(function: Callable[..., object]) -> str | None:
    """Return the name of the parameter whose type hint is `ToolContext`; None if there is none."""
    found = (name for name, hint in _hints(function).items() if hint is ToolContext)
    return next(found, None)


def schema_of(parameters: tuple[Parameter, ...], tool_name: str) -> dict[str, object]:
    """Return the JSON Schema of these parameters. Raises `InvalidRequest` if a hint has none."""
    try:
        schemas, shared = msgspec.json.schema_components(
            [_with_texts(each.hint) for each in parameters], ref_template="#/$defs/{name}"
        )
    except TypeError as error:
        raise InvalidRequest(
            f"Tool {tool_name} has a type hint that cannot be converted to JSON: {error}",
            field="tools",
        ) from error
    properties: dict[str, object] = {}
    for parameter, schema in zip(parameters, schemas, strict=True):
        if parameter.text:
            for each in schema.get("anyOf", []):
                if each.get("description") == parameter.text:
                    del each["description"]  # Already one level up.
            schema.setdefault("description", parameter.text)
        if not parameter.required:
            schema |= _default(parameter.default)
        properties[parameter.name] = schema
    _describe_fields(parameters, shared)
    whole: dict[str, object] = {
        "type": "object",
        "properties": properties,
        "required": [each.name for each in parameters if each.required],
        "additionalProperties": False,
    }
    return whole | ({"$defs": shared} if shared else {})


def _hints(function: Callable[..., object]) -> dict[str, Any]:
    """Return the parameters' hints. Ignores the return type, which may not exist at run time."""
    while isinstance(function, functools.partial):
        function = cast("Callable[..., object]", function.func)
    hinted = function if inspect.isroutine(function) else type(function).__call__
    annotations = dict(getattr(hinted, "__annotations__", {}))
    annotations.pop("return", None)
    known = getattr(inspect.unwrap(hinted), "__globals__", {})
    holder = types.SimpleNamespace(__annotations__=annotations)
    return get_type_hints(holder, globalns=known, include_extras=True)


def _text(hint: object) -> str:
    """Return the description in a hint such as `Annotated[int, "how many"]`, also in a union."""
    if get_origin(hint) is Annotated:
        for each in cast("tuple[object, ...]", get_args(hint))[1:]:
            if text := _description(each):
                return text
    if get_origin(hint) in {Annotated, Union, types.UnionType}:
        return next((text for each in get_args(hint) if (text := _text(each))), "")
    return ""


def _description(metadata: object) -> str:
    """Return the description in metadata: a string, `Doc("…")` or `Field(description=…)`."""
    for description in (
        metadata,
        getattr(metadata, "description", None),
        getattr(metadata, "documentation", None),
    ):
        if isinstance(description, str):
            return inspect.cleandoc(description)
    return ""


def _with_texts(hint: Any) -> Any:  # noqa: ANN401 - a hint may be anything
    """Return the hint with its descriptions as `msgspec.Meta`, so that msgspec includes them."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        base, *rest = arguments
        metas = [each for each in rest if isinstance(each, msgspec.Meta)]
        if not any(meta.description for meta in metas):
            texts = [text for each in rest if (text := _description(each))]
            metas += [msgspec.Meta(description=text) for text in texts[:1]]
        base = _with_texts(base)
        return Annotated[base, *metas] if metas else base
    if origin is None or origin is Literal:
        return hint
    inner = tuple(_with_texts(each) for each in arguments)
    if inner == arguments:
        return hint
    if origin in {Union, types.UnionType}:
        return Union[inner]  # noqa: UP007 - its members are only known at run time
    return origin[inner]


def _describe_fields(parameters: tuple[Parameter, ...], shared: dict[str, Any]) -> None:
    """Add the descriptions of fields of dataclasses, TypedDicts and Structs."""
    waiting = [each.hint for each in parameters]
    seen: set[object] = set()
    while waiting:
        for kind in _classes(waiting.pop()):
            if kind in seen:
                continue
            seen.add(kind)
            properties = shared.get(kind.__name__, {}).get("properties", {})
            for name, hint in get_type_hints(kind, include_extras=True).items():
                waiting.append(hint)
                if name in properties and (text := _text(hint)):
                    properties[name].setdefault("description", text)


def _classes(hint: object) -> Iterator[type]:
    if isinstance(hint, type):
        kind = cast("type[object]", hint)
        if dataclasses.is_dataclass(kind) or is_typeddict(kind) or issubclass(kind, msgspec.Struct):
            yield kind
    if get_origin(hint) is not Literal:
        for each in get_args(hint):
            yield from _classes(each)


def _default(value: object) -> dict[str, object]:
    try:
        return {"default": msgspec.to_builtins(value)}
    except TypeError:
        return {}  # Omit a default that cannot be converted to JSON.
