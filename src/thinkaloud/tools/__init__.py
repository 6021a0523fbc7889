"""Tools that a model may call: Python functions and the built-in tools.

Modules that use the network are imported on first use.
"""

import importlib
from typing import TYPE_CHECKING

from thinkaloud.events.content import ImageContent, LinkContent, TextContent
from thinkaloud.ports.tool import ToolContext, ToolOutput, ToolScope
from thinkaloud.tools.builtin.toolset import builtin_tools
from thinkaloud.tools.function import FunctionTool, as_tool, function_tool, tool
from thinkaloud.tools.workspace import Entry, Found, Listing, Match, Workspace

if TYPE_CHECKING:
    from thinkaloud.tools.guarded_get import Fetched, get
    from thinkaloud.tools.url_guard import UrlGuard

_HOMES = {
    "Fetched": "thinkaloud.tools.guarded_get",
    "UrlGuard": "thinkaloud.tools.url_guard",
    "get": "thinkaloud.tools.guarded_get",
}

__all__ = [
    "Entry",
    "Fetched",
    "Found",
    "FunctionTool",
    "ImageContent",
    "LinkContent",
    "Listing",
    "Match",
    "TextContent",
    "ToolContext",
    "ToolOutput",
    "ToolScope",
    "UrlGuard",
    "Workspace",
    "as_tool",
    "builtin_tools",
    "function_tool",
    "get",
    "tool",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)
