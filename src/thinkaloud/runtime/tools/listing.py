"""The tools that a model is offered for one model call."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final

from thinkaloud.events.prompt import ToolSchema
from thinkaloud.ports.tool import AnyTool, ToolScope, ToolSource

_SECONDS: Final = 5.0
"""How long a source may take. It should not wait for anything."""
_log = logging.getLogger(__name__)


class ToolListing:
    """Tools by name. Calls are executed by the listing that the model was sent."""

    __slots__ = ("by_name", "schemas")

    def __init__(self, by_name: Mapping[str, AnyTool]) -> None:
        self.by_name = by_name
        self.schemas: tuple[ToolSchema, ...] = tuple(tool.schema for tool in by_name.values())
        """The tools as the model sees them."""


NO_TOOLS: Final = ToolListing({})


class Toolbox:
    """An agent's own tools, and those of its sources.

    Raises `ValueError` if two of its own have the same name. A source's tool of a name that is
    taken is left out.
    """

    def __init__(self, tools: Sequence[AnyTool], sources: Sequence[ToolSource] = ()) -> None:
        own = {tool.schema.name: tool for tool in tools}
        if len(own) < len(tools):
            raise ValueError("two tools have the same name")
        self.own = ToolListing(own)
        """The tools that every run may call."""
        self._sources = tuple(sources)
        self._reported: set[str] = set()

    async def listing(self, scope: ToolScope) -> ToolListing:
        """Return the tools that a run may call now."""
        if not self._sources:
            return self.own
        found = dict(self.own.by_name)
        for tools in await asyncio.gather(*(self._of(each, scope) for each in self._sources)):
            for tool in tools:
                name = tool.schema.name
                if found.setdefault(name, tool) is not tool:
                    self._report(name)
        return ToolListing(found)

    async def _of(self, source: ToolSource, scope: ToolScope) -> Sequence[AnyTool]:
        try:
            async with asyncio.timeout(_SECONDS):
                return await source.tools(scope)
        except Exception:  # noqa: BLE001 - a source may be anybody's
            _log.exception("a tool source failed, so the model is not offered its tools")
            return ()

    def _report(self, name: str) -> None:
        if name not in self._reported:
            self._reported.add(name)
            _log.warning("two tools are named %s: only the first is offered", name)
