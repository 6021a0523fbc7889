"""The definitions that each server listed last, so that changes are noticed and shown."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from thinkaloud.tools.mcp.definitions import ToolDefinition, changed_fields
from thinkaloud.tools.mcp.settings import McpSettings

FOLDER: Final = "mcp-tools"


class Known(msgspec.Struct, frozen=True):
    """What a server listed."""

    target: str
    """A hash of what was started or connected to: another server has nothing to compare with."""
    tools: tuple[ToolDefinition, ...]


def read(folder: Path, name: str) -> Known | None:
    """Return what the server listed last, or None."""
    try:
        return msgspec.json.decode((folder / f"{name}.json").read_bytes(), type=Known)
    except (OSError, msgspec.DecodeError):
        return None


def update(
    folder: Path, name: str, settings: McpSettings, tools: Sequence[ToolDefinition]
) -> list[str]:
    """Store a listing, and return how it differs from the last one, for people."""
    found = Known(identity(settings), tuple(tools))
    last = read(folder, name)
    if found == last:
        return []
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = folder / f"{name}.json.new"
    scratch.write_bytes(msgspec.json.encode(found))
    scratch.replace(folder / f"{name}.json")
    if last is None or last.target != found.target:
        return []
    before = {tool.name: tool for tool in last.tools}
    return [
        f"{tool.name}: changed: {', '.join(changed_fields(old, tool)) or 'definition'}"
        for tool in tools
        if (old := before.get(tool.name)) is not None and old.fingerprint != tool.fingerprint
    ]


def identity(settings: McpSettings) -> str:
    """Return a hash of what is started or connected to."""
    started = (settings.command, settings.args, settings.cwd, settings.url)
    return hashlib.sha256(msgspec.json.encode(started)).hexdigest()
