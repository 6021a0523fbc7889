"""The port for the state of chat channels: small values by channel, kind and key.

Other processes may read and write the same state: the server and `thinkaloud channels` do.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

StateKind = Literal[
    "chat",
    "conversation",
    "person",
    "pairing",
    "delivery",
    "seen",
    "own",
]
"""`chat`: modes and choices. `conversation`: the current conversation of an address. `person`: who
was paired. `pairing`: codes that wait for approval. `delivery`: answers on their way. `seen`: commands
already carried out. `own`: the platform's own values."""


class StateEntry(msgspec.Struct, frozen=True):
    """A stored value."""

    channel: str
    key: str
    value: bytes


class ChannelState(Protocol):
    """Values by channel, kind and key. Every call is atomic. Raises `StoreError`."""

    async def get(self, channel: str, kind: StateKind, key: str) -> bytes | None:
        """Return a value."""
        ...

    async def put(self, channel: str, kind: StateKind, key: str, value: bytes) -> None:
        """Store a value, replacing the previous one."""
        ...

    async def add(self, channel: str, kind: StateKind, key: str, value: bytes) -> bool:
        """Store a value unless the key has one. Returns whether it was stored."""
        ...

    async def take(self, channel: str, kind: StateKind, key: str) -> bytes | None:
        """Delete a value and return it. Of two callers, one gets it."""
        ...

    async def entries(self, kind: StateKind, channel: str | None = None) -> Sequence[StateEntry]:
        """List the values of a kind, oldest first, of one channel or of all."""
        ...

    async def trim(self, channel: str, kind: StateKind, keep: int) -> None:
        """Delete the oldest values of a kind beyond this many."""
        ...
