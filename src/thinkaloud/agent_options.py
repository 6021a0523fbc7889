"""The options of `Agent` and its requests, and their validation."""

import difflib
import inspect
import os
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypedDict, cast

import msgspec

from thinkaloud.agent_reply import MessageType
from thinkaloud.app.runtime import MCP_SECONDS, Choices
from thinkaloud.errors import InvalidRequest
from thinkaloud.events.prompt import Effort
from thinkaloud.ports.model import Model, ModelInfo
from thinkaloud.ports.store import Store
from thinkaloud.ports.tool import AnyTool, ToolSource
from thinkaloud.runtime.runs.effort import checked_effort
from thinkaloud.runtime.runs.hooks import AgentHook, HookSource
from thinkaloud.runtime.runs.request import RunRequest
from thinkaloud.tools.function import as_tool

OnChunk = Callable[[str, MessageType], Awaitable[None] | None]
"""A callback for each piece of text: `(chunk, message_type)`."""

_MISTYPED: Final = re.compile(
    r"Expected `(?P<wanted>[^`]+)`(, got `(?P<got>[^`]+)`)?.* - at `(key` in `)?\$\.(?P<place>[^`]+)`"
)
_PYTHON_NAMES: Final = {"array": "list", "object": "dict", "null": "None"}


class ChatOptions(TypedDict, total=False):
    """The options of a request; see `POST /chat/message` in the HTTP reference."""

    conversation_id: str | None
    context: dict[str, object] | None
    context_files: Sequence[str] | None
    image_path: str | None
    max_iterations: int | None
    model: str | None
    reasoning_effort: Effort | None
    replaces: str | None
    """The id of a run in this conversation to replace: pass the same text to regenerate its answer, or
    another text to edit it. The new version is selected as soon as its answer starts. The old one
    and everything after it are kept (see `Agent.select_version`)."""
    temporary: bool
    """Whether to keep the new conversation in memory only, and out of lists."""


class AgentOptions(TypedDict, total=False):
    """The keyword arguments of `Agent`."""

    tools: Sequence[AnyTool | Callable[..., object]] | None
    """Functions or tool objects. None: the built-in tools. The tools of configured MCP servers are
    added, except to an empty list: no tools."""
    system_prompt: str | None
    store: Store | None
    """An open store for conversations. None: they are kept in memory until the agent is closed."""
    hooks: Sequence[HookSource] | None
    """Hooks to call in every run."""
    reasoning_effort: Effort | None
    """The reasoning effort for requests that don't set one."""
    config: str | Path | None
    """A configuration file. None: look for one as the server does."""
    tool_sources: Sequence[ToolSource] | None
    """Sources of more tools, which may change, or differ from run to run."""


def check_names(call: str, given: Iterable[str], *known: str | type) -> None:
    """Raise `TypeError` for unknown keyword arguments, with the most similar known name.

    `known` are names, and typed dictionaries whose keys are names.
    """
    names = [
        name
        for each in known
        for name in ([each] if isinstance(each, str) else inspect.get_annotations(each))
    ]
    for name in given:
        if name not in names:
            nearest = max(names, key=lambda each: _similarity(name, each))
            hint = f"Did you mean {nearest!r}? " if _similarity(name, nearest) > 0.6 else ""
            raise TypeError(
                f"{call}() got an unexpected keyword argument {name!r}. {hint}"
                f"It takes {', '.join(names)}."
            )


def choices_of(model: str | Model | None, options: AgentOptions) -> Choices:
    """Validate the arguments of an agent. Raises `InvalidRequest` if one has the wrong type."""
    effort = options.get("reasoning_effort")
    return Choices(
        model=_model(model),
        tools=_tools(options.get("tools")),
        tool_sources=_tool_sources(options.get("tool_sources")),
        mcp_seconds=MCP_SECONDS,
        system_prompt=_text("system_prompt", options.get("system_prompt")),
        store=_store(options.get("store")),
        hooks=_hooks(options.get("hooks")),
        reasoning_effort=None if effort is None else checked_effort(effort),
    )


def config_of(options: AgentOptions) -> Path | None:
    """Return the path of the configuration file, if given. Raises `InvalidRequest`."""
    config = cast("object", options.get("config"))
    match config:
        case None:
            return None
        case str() | os.PathLike():
            return Path(cast("str | os.PathLike[str]", config))
        case _:
            raise _type_error("config", "a path", config)


def request_of(text: str, options: ChatOptions) -> RunRequest:
    """Build a request. Raises `InvalidRequest` if an option has the wrong type."""
    fields: dict[str, object] = {
        name: value for name, value in options.items() if value is not None
    }
    effort = fields.get("reasoning_effort")
    if effort is not None:
        fields["reasoning_effort"] = checked_effort(effort)
    if isinstance(context := fields.get("context"), Mapping):
        fields["context"] = dict(cast("Mapping[str, object]", context))
    if (image := fields.get("image_path")) is not None:
        fields["image_path"] = _name(image)
    if (files := fields.get("context_files")) is not None:
        fields["context_files"] = [_name(each) for each in _listed("context_files", "names", files)]
    try:
        return msgspec.convert({"text": text, **fields}, RunRequest)
    except msgspec.ValidationError as error:
        raise _validation_error(error) from error


def checked_callback(on_chunk: OnChunk | None) -> OnChunk | None:
    """Validate a callback. Raises `TypeError` if it cannot be called with two arguments."""
    if on_chunk is None:
        return None
    if not callable(on_chunk):
        raise TypeError(
            "on_chunk must be a function or an async function that takes (chunk, message_type),"
            f" not {type(on_chunk).__name__}."
        )
    try:
        signature = inspect.signature(on_chunk)
    except ValueError:
        return on_chunk  # Some built-in functions have no signature.
    try:
        signature.bind("", "assistant")
    except TypeError as error:
        raise TypeError(f"on_chunk is called with (chunk, message_type): {error}.") from error
    return on_chunk


def _similarity(typed: str, known: str) -> float:
    """Return the similarity of two names, from 0 to 1. A match with one part of `known` counts 85 %."""
    parts = known.split("_") if "_" in known else []
    whole = difflib.SequenceMatcher(None, typed.lower(), known).ratio()
    return max([whole, *(0.85 * _similarity(typed, part) for part in parts)])


def _model(model: object) -> str | Model | None:
    if model is None:
        return None
    if isinstance(model, str):
        if model.strip():
            return model
        raise InvalidRequest(
            "model is empty: name one as host/model, or leave it out for the configured one.",
            field="model",
        )
    if isinstance(getattr(model, "info", None), ModelInfo):
        return cast("Model", model)
    raise _type_error(
        "model", "an id such as 'anthropic/claude-sonnet-5', or a Model object", model
    )


def _tools(tools: object) -> list[AnyTool] | None:
    if tools is None:
        return None
    made = [as_tool(each) for each in _listed("tools", "functions or tools", tools)]
    names = [each.schema.name for each in made]
    for name in names:
        if names.count(name) > 1:
            raise InvalidRequest(
                f"Two tools have the name {name!r}: give one of them another with @tool(name=…).",
                field="tools",
            )
    return made


def _tool_sources(sources: object) -> tuple[ToolSource, ...]:
    if sources is None:
        return ()
    found = _listed("tool_sources", "objects with a method tools", sources)
    for source in found:
        if isinstance(source, type) or not callable(getattr(source, "tools", None)):
            raise _type_error("tool_sources", "a list of objects with a method tools", source)
    return cast("tuple[ToolSource, ...]", tuple(found))


def _hooks(hooks: object) -> tuple[HookSource, ...]:
    if hooks is None:
        return ()
    what = "AgentHook objects, classes or functions that make one"
    found = tuple(_listed("hooks", what, hooks))
    for hook in found:
        is_other_class = inspect.isclass(hook) and not issubclass(hook, AgentHook)
        if is_other_class or not (isinstance(hook, AgentHook) or callable(hook)):
            raise _type_error("hooks", f"a list of {what}", cast("object", hook))
    return cast("tuple[HookSource, ...]", found)


def _store(store: object) -> Store | None:
    opened = hasattr(store, "accept") and not inspect.isclass(store)
    if store is not None and not opened:
        raise _type_error(
            "store",
            "an open Store (`async with thinkaloud.stores.sqlite.SqliteStore.open(path)`)",
            store,
        )
    return cast("Store | None", store)


def _listed(field: str, what: str, values: object) -> list[object]:
    one = isinstance(values, str | bytes | os.PathLike | Mapping)
    if isinstance(values, Iterable) and not one:
        return list(cast("Iterable[object]", values))
    raise _type_error(field, f"a list of {what}", cast("object", values))


def _text(field: str, value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise _type_error(field, "a str", value)
    return value


def _name(value: object) -> object:
    return os.fsdecode(cast("os.PathLike[str]", value)) if isinstance(value, os.PathLike) else value


def _type_error(field: str, wanted: str, value: object) -> InvalidRequest:
    shown = repr(value)
    shown = shown if len(shown) <= 80 else shown[:79] + "…"
    return InvalidRequest(f"{field} must be {wanted}, not {shown}.", field=field)


def _validation_error(error: msgspec.ValidationError) -> InvalidRequest:
    match = _MISTYPED.search(str(error))
    if match is None:
        return InvalidRequest(f"{error}.")
    place, wanted, got = match["place"], match["wanted"], match["got"]
    kinds = [_PYTHON_NAMES.get(kind, kind) for kind in wanted.split(" | ")]
    had = f", not {_PYTHON_NAMES.get(got, got)}" if got else ""
    what = f"The keys of {place}" if match[4] else place
    return InvalidRequest(
        f"{what} must be {' or '.join(kinds)}{had}.", field=place.partition("[")[0]
    )
