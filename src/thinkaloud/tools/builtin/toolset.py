"""The set of built-in tools."""

import importlib
from typing import TYPE_CHECKING, Protocol, cast

from thinkaloud.ports.tool import Tool
from thinkaloud.tools.builtin.calculate import calculate_tool
from thinkaloud.tools.builtin.current_time import Clock, current_time_tool
from thinkaloud.tools.builtin.list_files import list_files_tool
from thinkaloud.tools.builtin.read_file import read_file_tool
from thinkaloud.tools.builtin.search_files import search_files_tool
from thinkaloud.tools.workspace import Workspace

if TYPE_CHECKING:
    from thinkaloud.tools.url_guard import UrlGuard


class _Fetching(Protocol):
    """`thinkaloud.tools.builtin.fetch_url`, imported only if fetching is allowed."""

    def fetch_url_tool(self, guard: "UrlGuard | None") -> Tool: ...


def builtin_tools(
    workspace: Workspace | None, clock: Clock, fetch: bool, *, guard: "UrlGuard | None" = None
) -> tuple[Tool, ...]:
    """Return the tools that the operator's settings allow.

    Without a workspace there are no file tools; without `fetch`, no tool that uses the network.
    `guard` decides which URLs may be fetched; the default allows any public http or https URL.
    """
    tools = [current_time_tool(clock), calculate_tool()]
    if workspace is not None:
        tools += [list_files_tool(workspace), read_file_tool(workspace)]
        tools.append(search_files_tool(workspace))
    if fetch:
        fetching = cast("_Fetching", importlib.import_module("thinkaloud.tools.builtin.fetch_url"))
        tools.append(fetching.fetch_url_tool(guard))
    return tuple(tools)
