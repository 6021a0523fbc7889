"""A Python function as a tool.

The type hints define the JSON Schema that the model sees and validate its arguments; the docstring
provides the descriptions. Schema and validation are done by msgspec:
https://jcristharif.com/msgspec/supported-types.html lists the supported types.
"""

import inspect
import re
from collections.abc import AsyncIterable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, Generic, ParamSpec, TypeVar, cast, get_args, overload

import msgspec

from thinkaloud.errors import InvalidRequest, ToolError
from thinkaloud.events.content import ImageContent, LinkContent, TextContent, text_of
from thinkaloud.events.prompt import ToolSchema
from thinkaloud.ports.tool import AnyTool, Approval, ToolContext, ToolOutput
from thinkaloud.tools.docstring import describe
from thinkaloud.tools.own_thread import in_own_thread
from thinkaloud.tools.parameters import (
    Parameter,
    context_parameter,
    parameters_of,
    schema_of,
)
from thinkaloud.tools.result import collected, failure, result_text

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_TIMEOUT: Final = 60.0
"""Default time limit of a call, in seconds."""

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SHOWN: Final = 600  # Maximum characters of a schema or exception quoted in a message.
_EXACT: Final = 2**53  # Above this, a float may not represent the original integer exactly.


class FunctionTool(Generic[P, R]):
    """A function that a model may call. It can still be called from Python as usual.

    A synchronous function runs in its own thread and blocks neither the event loop nor other
    tools. It continues even if its call is cancelled, until it returns or the process ends. An
    async function runs on the event loop.

    A parameter with the type hint `thinkaloud.ports.tool.ToolContext` gets the context of the call;
    the model doesn't see it. With such a parameter, the function is only called for a run.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        approval: Approval = "never",
    ) -> None:
        """Read the function's name, type hints and docstring.

        `timeout` is in seconds. Raises `thinkaloud.errors.InvalidRequest` if the function cannot
        be a tool: invalid name, a parameter that cannot be passed by name, or a type hint that has
        no JSON Schema.
        """
        self._function = function
        chosen = name if name is not None else getattr(function, "__name__", "")
        if not _NAME.fullmatch(chosen):
            raise InvalidRequest(
                f"{chosen!r} is not a valid tool name: set name= to 1 to 64 letters, "
                "digits, '_' or '-'.",
                field="tools",
            )
        if not timeout > 0:
            raise InvalidRequest(
                f"The timeout of tool {chosen} must be above 0 seconds.", field="tools"
            )
        docstring = describe(inspect.getdoc(function))
        parameters = parameters_of(function, chosen, docstring.parameters)
        self._parameters = {each.name: each for each in parameters}
        if approval not in get_args(Approval):
            raise InvalidRequest(
                f"approval of tool {chosen} must be one of {', '.join(get_args(Approval))}.",
                field="tools",
                valid=get_args(Approval),
            )
        self.approval: Approval = approval
        """Whether a person has to approve its calls."""
        self._context = context_parameter(function)
        self._timeout = float(timeout)
        self._schema = ToolSchema(
            name=chosen,
            description=docstring.summary if description is None else description,
            parameters=schema_of(parameters, chosen),
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
        """Like `call_in`, as text and without a context."""
        if self._context is not None:
            raise ToolError(f"{self._schema.name} can only be called in a run.")
        return text_of((await self._output(self._checked(arguments))).content)

    async def call_in(self, context: ToolContext, arguments: dict[str, object]) -> ToolOutput:
        """Validate the arguments, call the function and return its result.

        A str is returned unchanged, None as "", a `ToolOutput`, content blocks and lists of them
        as they are, anything else as JSON, converted if needed. Raises
        `thinkaloud.errors.ToolError` for an invalid argument, with its name and what is allowed,
        and for an exception in the function, with its type and message.
        """
        values = self._checked(arguments)
        if self._context is not None:
            values[self._context] = context
        return await self._output(values)

    async def _output(self, values: dict[str, object]) -> ToolOutput:
        if inspect.iscoroutinefunction(inspect.unwrap(self._function)):
            result = self._run(values)
        else:
            result = await in_own_thread(partial(self._run_to_output, values))
        try:
            if inspect.isawaitable(result):
                result = cast("object", await result)
            if isinstance(result, AsyncIterable):
                result = await collected(cast("AsyncIterable[object]", result))
        except (Exception, SystemExit) as error:
            raise failure(error) from error
        return _output_of(result)

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

    def _converted(self, parameter: Parameter, value: object) -> object:
        kind = cast("type[object]", parameter.hint)
        try:
            return msgspec.convert(value, kind)
        except (msgspec.ValidationError, RecursionError) as error:
            with suppress(msgspec.ValidationError, RecursionError):
                return msgspec.convert(_with_integers(value), kind)
            raise ToolError(
                f"The argument '{parameter.name}' of {self._schema.name} is wrong: "
                f"{str(error)[:_SHOWN]}. Allowed: {_allowed(parameter)}."
            ) from error

    def _run(self, values: dict[str, object]) -> object:
        # SystemExit too: a tool that calls sys.exit() must not end the server.
        try:
            return cast("Callable[..., object]", self._function)(**values)
        except (Exception, SystemExit) as error:
            raise failure(error) from error

    def _run_to_output(self, values: dict[str, object]) -> object:
        """Call the function and convert its result in the same thread, unless it is async."""
        result = self._run(values)
        return result if _is_async(result) else _output_of(result)


@overload
def tool(function: Callable[P, R], /) -> FunctionTool[P, R]: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    approval: Approval = "never",
) -> Callable[[Callable[P, R]], FunctionTool[P, R]]: ...
def tool(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,
    approval: Approval = "never",
) -> FunctionTool[P, R] | Callable[[Callable[P, R]], FunctionTool[P, R]]:
    """Turn a function into a tool: `@tool` or `@tool(name=…, description=…, timeout=…, approval=…)`.

    `timeout` is in seconds. `approval` is whether a person has to approve each call: `"never"`,
    `"ask"`, or `"always_ask"` if an approval must not be remembered; the configuration can only be
    stricter. Raises `thinkaloud.errors.InvalidRequest` like `FunctionTool`.
    """

    def wrap(wrapped: Callable[P, R]) -> FunctionTool[P, R]:
        return FunctionTool(
            wrapped, name=name, description=description, timeout=timeout, approval=approval
        )

    return wrap if function is None else wrap(function)


def function_tool(
    function: Callable[P, R],
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> FunctionTool[P, R]:
    """Return the function as a tool, without using the `tool` decorator."""
    return FunctionTool(function, name=name, description=description, timeout=timeout)


def as_tool(candidate: object) -> AnyTool:
    """Return a tool unchanged, or wrap a callable as a tool.

    Raises `thinkaloud.errors.InvalidRequest` for anything else.
    """
    if not isinstance(candidate, type):
        if isinstance(getattr(candidate, "schema", None), ToolSchema) and (
            hasattr(candidate, "call") or hasattr(candidate, "call_in")
        ):
            return cast("AnyTool", candidate)
        if callable(candidate):
            return function_tool(candidate)
    raise InvalidRequest(
        f"{candidate!r} is not a tool: pass a function, or an object with schema, timeout and "
        "call.",
        field="tools",
    )


def _allowed(parameter: Parameter) -> str:
    schema = msgspec.json.encode(msgspec.json.schema(parameter.hint)).decode()
    return schema if len(schema) <= _SHOWN else schema[:_SHOWN] + "…"


def _output_of(result: object) -> ToolOutput:
    if isinstance(result, ToolOutput):
        return result
    if isinstance(result, TextContent | ImageContent | LinkContent):
        return ToolOutput((result,))
    if isinstance(result, list | tuple) and result:
        values = cast("Sequence[object]", result)
        blocks = [
            each for each in values if isinstance(each, TextContent | ImageContent | LinkContent)
        ]
        if len(blocks) == len(values):
            return ToolOutput(tuple(blocks))
    return ToolOutput((TextContent(result_text(cast("object", result))),))


def _is_async(result: object) -> bool:
    return inspect.isawaitable(result) or isinstance(result, AsyncIterable)


def _with_integers(value: object) -> object:
    """Return the value with whole floats as ints: JSON does not distinguish 7.0 from 7."""
    match value:
        case float() if value.is_integer() and abs(value) <= _EXACT:
            return int(value)
        case list():
            return [_with_integers(each) for each in cast("list[object]", value)]
        case dict():
            members = cast("dict[str, object]", value)
            return {name: _with_integers(each) for name, each in members.items()}
        case _:
            return value
