"""The tool that reads a text file from the workspace."""

from typing import Annotated, Final

import msgspec

from thinkaloud.errors import ToolError
from thinkaloud.ports.tool import Tool
from thinkaloud.tools.function import function_tool
from thinkaloud.tools.workspace import Workspace

MAX_BYTES: Final = 4 * 2**20
"""Maximum size of a file."""
MAX_LINES: Final = 2000
"""Maximum lines that a call returns."""
MAX_CHARACTERS: Final = 100_000
"""Maximum characters that a call returns."""

Count = Annotated[int, msgspec.Meta(ge=1)]


def read_file_tool(workspace: Workspace) -> Tool:
    """Return the tool `read_file`."""

    def read_file(name: str, first_line: Count = 1, lines: Count = MAX_LINES) -> str:
        """Read a text file of the workspace, or some of its lines.

        Args:
            name: A relative name such as "notes/today.md".
            first_line: The line to begin with, counted from 1.
            lines: How many lines to return at most.
        """
        whole = workspace.read_text(name, MAX_BYTES)
        every = whole.removesuffix("\n").split("\n")
        if first_line > len(every):
            raise ToolError(f"{name!r} has {len(every)} lines; first_line is beyond its end.")
        chosen = every[first_line - 1 : first_line - 1 + min(lines, MAX_LINES)]
        last = first_line - 1 + len(chosen)
        if len(chosen) == len(every) and len(whole) <= MAX_CHARACTERS:
            return whole
        text = "\n".join(chosen)
        cut = f" Cut after {MAX_CHARACTERS} characters." if len(text) > MAX_CHARACTERS else ""
        return f"{text[:MAX_CHARACTERS]}\n[Lines {first_line} to {last} of {len(every)}.{cut}]"

    return function_tool(read_file)
