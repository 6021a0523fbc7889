"""The tool that lists a workspace folder."""

from thinkaloud.ports.tool import Tool
from thinkaloud.tools.function import function_tool
from thinkaloud.tools.workspace import MAX_ENTRIES, Workspace


def list_files_tool(workspace: Workspace) -> Tool:
    """Return the tool `list_files`."""

    def list_files(folder: str = ".") -> str:
        """List the files and folders in a folder of the workspace, with the files' sizes.

        Args:
            folder: A relative name such as "notes"; "." is the workspace itself.
        """
        listing = workspace.list(folder)
        lines = [
            f"{entry.name}/" if entry.bytes is None else f"{entry.name}  ({entry.bytes} bytes)"
            for entry in listing.entries
        ]
        if not listing.complete:
            lines.append(f"Only {MAX_ENTRIES} entries are shown; there are more.")
        return "\n".join(lines) or "The folder is empty."

    return function_tool(list_files)
