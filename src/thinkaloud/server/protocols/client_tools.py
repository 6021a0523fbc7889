"""Tools that a client declares and executes itself, and the results that it returns."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from thinkaloud.errors import InvalidRequest
from thinkaloud.events.prompt import ToolResult, ToolSchema
from thinkaloud.events.view import ToolBlock

MAX_TOOLS: Final = 128
"""Maximum number of tools in one request."""
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_NO_PARAMETERS: Final[Mapping[str, object]] = {"type": "object", "properties": {}}


class DeclaredTool(msgspec.Struct, frozen=True, rename="camel"):
    """A tool of the client. `input_schema` is another name of `parameters`."""

    name: str = ""
    description: str | None = None
    parameters: dict[str, object] | None = None
    input_schema: dict[str, object] | None = None


def tool_schemas(tools: Mapping[str, DeclaredTool]) -> tuple[ToolSchema, ...]:
    """Return the tools of a client, by name, as the model sees them. Raises `InvalidRequest`."""
    if len(tools) > MAX_TOOLS:
        raise InvalidRequest(f"A request can have at most {MAX_TOOLS} tools.", field="tools")
    return tuple([_schema(name, tool) for name, tool in tools.items()])


def by_name(tools: tuple[DeclaredTool, ...]) -> Mapping[str, DeclaredTool]:
    """Return a list of tools by name. Raises `InvalidRequest` if two have the same."""
    found = {tool.name: tool for tool in tools}
    if len(found) < len(tools):
        raise InvalidRequest("Two tools have the same name.", field="tools")
    return found


def _schema(name: str, tool: DeclaredTool) -> ToolSchema:
    if not _NAME.match(name):
        raise InvalidRequest(
            "The name of a tool must be 1 to 64 of the characters A-Z a-z 0-9 _ and -.",
            field="tools",
        )
    given = tool.parameters or tool.input_schema or _NO_PARAMETERS
    if given.get("type", "object") != "object":
        raise InvalidRequest(
            f"The parameters of the tool {name!r} must be a JSON Schema of type object.",
            field="tools",
        )
    return ToolSchema(name, tool.description or "", {"type": "object", **given})


def tool_result(call: ToolBlock, output: object, *, is_error: bool, max_chars: int) -> ToolResult:
    """Return the client's result of a call: a text as it is, or else JSON.

    Raises `InvalidRequest` if it is longer than `max_chars`.
    """
    text = output if isinstance(output, str) else msgspec.json.encode(output).decode()
    if len(text) > max_chars:
        raise InvalidRequest(
            f"The result of a tool is longer than {max_chars:,} characters.", field="messages"
        )
    return ToolResult(call.tool_call_id, call.name, text, is_error)
