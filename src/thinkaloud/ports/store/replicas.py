"""The port for replicas: the processes that execute runs on one store, and which of them live.

A replica is dead when the store says so, never before. It increments a counter, its beat; the others
watch it with their own clocks, and declare dead a replica whose beat stands still. So no two clocks
are compared.
"""

from collections.abc import Sequence
from typing import Literal, NewType, Protocol

import msgspec

Token = NewType("Token", int)
"""Fencing token of a replica: new at each registration, and never used again."""
ReplicaState = Literal["alive", "draining"]
"""`draining`: it accepts no more runs, and stops when its own have ended."""


class ReplicaCounts(msgspec.Struct, frozen=True):
    """What a replica reports about itself with each beat."""

    active_runs: int = 0
    queued_runs: int = 0
    followers: int = 0


class Replica(msgspec.Struct, frozen=True):
    """A replica that was not declared dead."""

    token: Token
    name: str
    """For people: the host and the process. Two replicas may have the same one."""
    version: str
    """The version of thinkaloud that it runs."""
    started_at_ms: int
    beat: int = 0
    state: ReplicaState = "alive"
    counts: ReplicaCounts = ReplicaCounts()


class Replicas(Protocol):
    """The replicas of a store. A method that fails raises `StoreError` and changes nothing."""

    async def register(self, name: str, version: str, now_ms: int) -> Token:
        """Add a replica, and return its token."""
        ...

    async def beat(self, token: Token, counts: ReplicaCounts) -> bool:
        """Increment the beat of a replica. False: it was declared dead, and must stop its runs."""
        ...

    async def replicas(self) -> Sequence[Replica]:
        """List the replicas that were not declared dead, by token."""
        ...

    async def reap(self, token: Token, beat: int) -> bool:
        """Declare a replica dead, unless its beat has changed since. Returns whether it was."""
        ...

    async def drain(self, token: Token) -> None:
        """Give a replica no more runs."""
        ...

    async def retire(self, token: Token) -> None:
        """Remove a replica that stops. What it still executes is adopted by others."""
        ...
