"""Runs as a store has them."""

from typing import Literal

import msgspec

from thinkaloud.events.event import RunStarted


class RunRecord(msgspec.Struct, frozen=True, gc=False):
    """Where to find a run."""

    run_id: str
    conversation_id: str
    owner: str
    first_seq: int
    """No event of the run has a lower `seq`."""
    idempotency_key: str | None = None


RunState = Literal["queued", "running", "waiting", "ready", "ended"]
"""`queued`: behind other runs of its conversation, or until a replica has room. `waiting`: for a
person's decision. `ready`: to be continued by any replica."""


class TakenRun(msgspec.Struct, frozen=True, gc=False):
    """A run that this replica executes from now on."""

    run: RunRecord
    spec: bytes
    stopping: bool = False
    """Whether somebody asked to stop it."""


class OpenRun(msgspec.Struct, frozen=True, gc=False):
    """A run that has not ended."""

    run: RunRecord
    state: RunState
    stopping: bool = False
    """Whether somebody asked to stop it."""


class Unfinished(msgspec.Struct, frozen=True, gc=False):
    """A run that has not been compacted with its terminal event."""

    run: RunRecord
    message: RunStarted | None = None
    """Its first event, in case it was still queued when the process died."""
    stopping: bool = False
    """Whether somebody asked to stop it."""
