"""Channel state in memory: lost when the process ends."""

from collections.abc import Sequence

from thinkaloud.ports.channel_state import StateEntry, StateKind


class MemoryChannelState:
    """Implements `ChannelState` with a dictionary."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, StateKind], dict[str, bytes]] = {}

    async def get(self, channel: str, kind: StateKind, key: str) -> bytes | None:
        """Return a value."""
        return self._values.get((channel, kind), {}).get(key)

    async def put(self, channel: str, kind: StateKind, key: str, value: bytes) -> None:
        """Store a value, replacing the previous one."""
        self._values.setdefault((channel, kind), {})[key] = value

    async def add(self, channel: str, kind: StateKind, key: str, value: bytes) -> bool:
        """Store a value unless the key has one. Returns whether it was stored."""
        values = self._values.setdefault((channel, kind), {})
        if key in values:
            return False
        values[key] = value
        return True

    async def take(self, channel: str, kind: StateKind, key: str) -> bytes | None:
        """Delete a value and return it."""
        return self._values.get((channel, kind), {}).pop(key, None)

    async def entries(self, kind: StateKind, channel: str | None = None) -> Sequence[StateEntry]:
        """List the values of a kind, oldest first, of one channel or of all."""
        return [
            StateEntry(name, key, value)
            for (name, found), values in self._values.items()
            if found == kind and channel in {None, name}
            for key, value in values.items()
        ]

    async def trim(self, channel: str, kind: StateKind, keep: int) -> None:
        """Delete the oldest values of a kind beyond this many."""
        values = self._values.get((channel, kind), {})
        for key in list(values)[: max(0, len(values) - keep)]:
            del values[key]
