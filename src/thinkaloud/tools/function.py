"""A Python function as a tool.

The parameters' type hints become the JSON Schema that the model sees and the check that its
arguments pass; the docstring becomes the descriptions. Both schema and check are msgspec's:
https://jcristharif.com/msgspec/supported-types.html lists the types that may stand in a hint.
"""

import inspect
import re
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Any, Final, Generic, ParamSpec, TypeVar, cast, get_type_hints, overload

import msgspec

from thinkaloud.errors import InvalidRequest, ThinkaloudError, ToolError
from thinkaloud.events.prompt import ToolSchema
from thinkaloud.ports.tool import Tool
from thinkaloud.tools.docstring import describe
from thinkaloud.tools.own_thread import in_own_thread

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_TIMEOUT: Final = 60.0
"""Seconds that a call may take where the tool says nothing else."""

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SHOWN: Final = 600  # Characters of a schema or of a foreign exception that a message repeats.


class _Parameter(msgspec.Struct, frozen=True):
    name: str
    hint: object
    required: bool
    default: object = None
    text: str = ""


class FunctionTool(Generic[P, R]):
    """A function that a model may call; called from Python, it is still that function.

    A plain function runs in a thread of its own, so that it blocks neither the event loop nor
    another tool; it goes on to its end there even where its call was cancelled, or until the
    process ends. An async function runs on the loop itself.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        """Read the function's name, hints and docstring.

        `timeout` is in seconds. Raises `thinkaloud.errors.InvalidRequest` where the function
        cannot be a tool: no usable name, a parameter that cannot be given by name, a hint that
        has no JSON form.
        """
        self._function = function
        chosen = name if name is not None else getattr(function, "__name__", "")
        if not _NAME.fullmatch(chosen):
            raise InvalidRequest(
                f"{chosen!r} cannot be the name of a tool: give name= with 1 to 64 letters, "
                "digits, '_' or '-'.",
                field="tools",
            )
        if not timeout > 0:
            raise InvalidRequest(
                f"The timeout of tool {chosen} must be above 0 seconds.", field="tools"
            )
        said = describe(inspect.getdoc(function))
        self._parameters = {
            each.name: each for each in _parameters(function, chosen, said.parameters)
        }
        self._timeout = float(timeout)
        self._schema = ToolSchema(
            name=chosen,
            description=said.summary if description is None else description,
            parameters=_schema(tuple(self._parameters.values()), chosen),
        )

    @property
    def schema(self) -> ToolSchema:
        """The name, description and parameters that the model sees."""
        return self._schema

    @property
    def timeout(self) -> float:
        """Seconds after which a call is cancelled."""
        return self._timeout

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function itself."""
        return self._function(*args, **kwargs)

    async def call(self, arguments: dict[str, object]) -> str:
        """Check the arguments, run the function and return its result as text.

        A str stays as it is, None becomes "", everything else JSON. Raises
        `thinkaloud.errors.ToolError` for a wrong argument, naming it and what is allowed; for an
        exception in the function, with its type and message; and for a result without JSON form.
        """
        values = self._checked(arguments)
        if inspect.iscoroutinefunction(inspect.unwrap(self._function)):
            result = self._run(values)
        else:
            result = await in_own_thread(partial(self._run, values))
        if inspect.isawaitable(result):
            try:
                result = cast("object", await result)
            except (Exception, SystemExit) as error:
                raise _failure(error) from error
        return _text(result)

    def _checked(self, arguments: dict[str, object]) -> dict[str, object]:
        for name in arguments:
            if name not in self._parameters:
                allowed = ", ".join(self._parameters) or "none"
                raise ToolError(
                    f"{self._schema.name} has no argument {name[:_SHOWN]!r}. Allowed: {allowed}."
                )
        values: dict[str, object] = {}
        for parameter in self._parameters.values():
            if parameter.name in arguments:
                values[parameter.name] = self._converted(parameter, arguments[parameter.name])
            elif parameter.required:
                raise ToolError(
                    f"{self._schema.name} needs the argument '{parameter.name}'. "
                    f"Allowed: {_allowed(parameter)}."
                )
        return values

    def _converted(self, parameter: _Parameter, value: object) -> object:
        try:
            return msgspec.convert(value, cast("type[object]", parameter.hint))
        except (msgspec.ValidationError, RecursionError) as error:
            raise ToolError(
                f"The argument '{parameter.name}' of {self._schema.name} is wrong: "
                f"{str(error)[:_SHOWN]}. Allowed: {_allowed(parameter)}."
            ) from error

    def _run(self, values: dict[str, object]) -> object:
        # SystemExit too: a tool that calls sys.exit() must not end the server.
        try:
            return cast("Callable[..., object]", self._function)(**values)
        except (Exception, SystemExit) as error:
            raise _failure(error) from error


@overload
def tool(function: Callable[P, R], /) -> FunctionTool[P, R]: ...
@overload
def tool(
    *, name: str | None = None, description: str | None = None, timeout: float = DEFAULT_TIMEOUT
) -> Callable[[Callable[P, R]], FunctionTool[P, R]]: ...
def tool(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> FunctionTool[P, R] | Callable[[Callable[P, R]], FunctionTool[P, R]]:
    """Make a function a tool: `@tool`, or `@tool(name=…, description=…, timeout=…)`.

    `timeout` is in seconds. Raises `thinkaloud.errors.InvalidRequest` as `FunctionTool` does.
    """

    def wrap(wrapped: Callable[P, R]) -> FunctionTool[P, R]:
        return FunctionTool(wrapped, name=name, description=description, timeout=timeout)

    return wrap if function is None else wrap(function)


def function_tool(
    function: Callable[P, R],
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> FunctionTool[P, R]:
    """Return the function as a tool; `tool` for code that does not decorate."""
    return FunctionTool(function, name=name, description=description, timeout=timeout)


def as_tool(candidate: object) -> Tool:
    """Return a tool as it is, and a plain callable as the tool made of it.

    Raises `thinkaloud.errors.InvalidRequest` for anything else.
    """
    if not isinstance(candidate, type):
        if isinstance(getattr(candidate, "schema", None), ToolSchema) and hasattr(
            candidate, "call"
        ):
            return cast("Tool", candidate)
        if callable(candidate):
            return function_tool(candidate)
    raise InvalidRequest(
        f"{candidate!r} is no tool: give a function, or an object with schema, timeout and call.",
        field="tools",
    )


def _parameters(
    function: Callable[..., object], tool_name: str, texts: dict[str, str]
) -> list[_Parameter]:
    hinted = function if inspect.isroutine(function) else type(function).__call__
    try:
        hints = get_type_hints(hinted, include_extras=True)
        signature = inspect.signature(function)
    except (NameError, TypeError, ValueError) as error:
        raise InvalidRequest(
            f"The signature of tool {tool_name} cannot be read: {error}.", field="tools"
        ) from error
    found: list[_Parameter] = []
    for parameter in signature.parameters.values():
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            raise InvalidRequest(
                f"Tool {tool_name} takes '{parameter}', which a model cannot give by name.",
                field="tools",
            )
        hint = hints.get(parameter.name, Any)
        hint = Any if hint is object else hint
        required = parameter.default is parameter.empty
        if not required and parameter.default is None:
            hint = hint | None
        found.append(
            _Parameter(
                name=parameter.name,
                hint=hint,
                required=required,
                default=cast("object", parameter.default),
                text=texts.get(parameter.name, ""),
            )
        )
    return found


def _schema(parameters: tuple[_Parameter, ...], tool_name: str) -> dict[str, object]:
    try:
        schemas, shared = msgspec.json.schema_components(
            [each.hint for each in parameters], ref_template="#/$defs/{name}"
        )
    except TypeError as error:
        raise InvalidRequest(
            f"Tool {tool_name} has a type hint that has no JSON form: {error}", field="tools"
        ) from error
    properties: dict[str, object] = {}
    for parameter, schema in zip(parameters, schemas, strict=True):
        if parameter.text:
            schema.setdefault("description", parameter.text)
        if not parameter.required:
            schema |= _default(parameter.default)
        properties[parameter.name] = schema
    whole: dict[str, object] = {
        "type": "object",
        "properties": properties,
        "required": [each.name for each in parameters if each.required],
        "additionalProperties": False,
    }
    return whole | ({"$defs": shared} if shared else {})


def _default(value: object) -> dict[str, object]:
    try:
        return {"default": msgspec.to_builtins(value)}
    except TypeError:
        return {}  # A default without JSON form is Python's own affair.


def _allowed(parameter: _Parameter) -> str:
    schema = msgspec.json.encode(msgspec.json.schema(parameter.hint)).decode()
    return schema if len(schema) <= _SHOWN else schema[:_SHOWN] + "…"


def _failure(error: BaseException) -> ToolError:
    if isinstance(error, ThinkaloudError):
        return error if isinstance(error, ToolError) else ToolError(error.message)
    message = str(error)[:_SHOWN]
    name = type(error).__name__
    return ToolError(f"{name}: {message}" if message else name)


def _text(result: object) -> str:
    if result is None:
        return ""
    if isinstance(result, str) and not isinstance(result, Enum):
        return str(result)
    try:
        return msgspec.json.encode(result).decode("utf-8")
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ToolError(
            f"The tool's result ({type(result).__name__}) has no JSON form: {str(error)[:_SHOWN]}"
        ) from error
