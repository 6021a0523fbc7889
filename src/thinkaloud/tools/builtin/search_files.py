"""The tool that searches the files of the workspace."""

from thinkaloud.ports.tool import Tool
from thinkaloud.tools.function import function_tool
from thinkaloud.tools.workspace import Workspace


def search_files_tool(workspace: Workspace) -> Tool:
    """Return the tool `search_files`."""

    def search_files(text: str, glob: str = "*", ignore_case: bool = True) -> str:
        """Find the lines of the workspace's text files that have a text.

        Args:
            text: What to look for, letter by letter; not a regular expression.
            glob: Which files to look into, such as "*.md" or "notes/*.txt".
            ignore_case: Whether upper and lower case are the same.
        """
        found = workspace.search(text, glob, ignore_case=ignore_case)
        lines = [f"{match.name}:{match.line}: {match.text}" for match in found.matches]
        if not found.complete:
            lines.append(
                "[The search reached its limit; there may be more matches. Narrow it down.]"
            )
        return "\n".join(lines) or "No matches."

    return function_tool(search_files)
