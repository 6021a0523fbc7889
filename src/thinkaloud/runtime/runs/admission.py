"""Admission control: how many runs may be active or queued."""

import itertools
from collections.abc import Collection
from typing import Final

from thinkaloud.errors import ApprovalPending, Busy, Conflict
from thinkaloud.ports.principal import Principal
from thinkaloud.ports.store import Outcome
from thinkaloud.runtime.runs.active import ActiveRuns, stop_runs_of
from thinkaloud.runtime.runs.limits import AdmissionLimits
from thinkaloud.runtime.runs.request import RunRequest
from thinkaloud.runtime.usage_meter import Charge, UsageMeter

_CHARS_A_TOKEN: Final = 4
_REPLACING: Final = "Another run is already replacing that one. Stop it or wait for it to end."
_ACTIVE: Final = "A run is active in this conversation. Stop it or wait for it to end."
_WAITING: Final = "Too many messages are waiting. Try again when some have been answered."
_OUTPUT_TOKENS: Final = 4_096
"""How many tokens to reserve for the output of a run, whose length is unknown."""


class Starting:
    """A run that was admitted but is not active yet. Counts as active for the length of a block."""

    __slots__ = (
        "_all",
        "charge",
        "conversation_id",
        "key_has_ended",
        "key_id",
        "owner",
        "replaces",
    )

    def __init__(
        self,
        principal: Principal,
        request: RunRequest,
        charge: Charge,
        all: list["Starting"],
    ) -> None:
        self._all = all
        self.charge = charge
        """What it counts for. Cancelled if the block raises an exception."""
        self.owner = principal.owner
        self.key_id = principal.key_id
        self.key_has_ended = False
        """Whether its key was revoked since, so that it has to be stopped."""
        self.conversation_id = request.conversation_id
        self.replaces = request.replaces

    def __enter__(self) -> "Starting":
        self._all.append(self)
        return self

    def __exit__(self, kind: object, *exception: object) -> None:
        self._all.remove(self)
        if kind is not None:
            self.charge.cancel()


class Admission:
    """Decides whether another run may start. Every entry point goes through it in `Runs.start`."""

    def __init__(
        self, active: ActiveRuns, limits: AdmissionLimits, meter: UsageMeter, *, queue: bool
    ) -> None:
        self.meter = meter
        """Counts against the limits of principals."""
        self._active = active
        self._limits = limits
        self._queue = queue
        self._starting: list[Starting] = []

    def admit(self, principal: Principal, request: RunRequest) -> Starting:
        """Reserve a slot for a run until it is active, or until starting it failed.

        Raises `Busy` at a limit of the server, `RateLimited` at one of the principal, and
        `Conflict` if the conversation allows no second run or another run replaces the same one.
        The slot is reserved for the length of a `with` block.
        """
        self._check(principal.owner, request)
        charge = self.meter.charge(principal, len(request.text) // _CHARS_A_TOKEN + _OUTPUT_TOKENS)
        return Starting(principal, request, charge, self._starting)

    @property
    def ahead(self) -> int:
        """How many open runs of its conversation may be ahead of a run."""
        return self._limits.max_waiting_messages if self._queue else 0

    def check_accepted(self, outcome: Outcome) -> None:
        """Raise `Conflict` or `Busy` if a store that is shared did not accept a run."""
        if outcome == "replacing":
            raise Conflict(_REPLACING)
        if outcome == "full":
            raise Busy(_WAITING) if self._queue else Conflict(_ACTIVE)

    async def stop_runs_of(self, key_ids: Collection[str]) -> None:
        """Stop all runs that were started with these API keys, which are no longer valid."""
        for each in self._starting:
            each.key_has_ended |= each.key_id in key_ids
        await stop_runs_of(self._active, key_ids)

    def check_waiting(self, waiting: int) -> None:
        """Raise `Busy` if no message can be queued behind `waiting` others."""
        if waiting >= self._limits.max_waiting_messages:
            raise Busy(_WAITING)

    def _check(self, owner: str, request: RunRequest) -> None:
        if len(self._active) + len(self._starting) >= self._limits.max_active_runs:
            raise Busy("Too many runs are active. Try again.")
        if request.conversation_id is not None:
            self._check_conversation(owner, request.conversation_id)
        if request.replaces is not None and self._is_replaced(owner, request.replaces):
            raise Conflict(_REPLACING)

    def _check_conversation(self, owner: str, conversation_id: str) -> None:
        if self._active.parked.in_conversation(owner, conversation_id):
            raise ApprovalPending(
                "A run of this conversation waits for an approval. Decide about it, or stop the run."
            )
        runs = len(self._active.in_conversation(owner, conversation_id)) + sum(
            each.owner == owner and each.conversation_id == conversation_id
            for each in self._starting
        )
        if not runs:
            return
        if not self._queue:
            raise Conflict(_ACTIVE)
        self.check_waiting(runs - 1)

    def _is_replaced(self, owner: str, run_id: str) -> bool:
        active = (run.spec for run in self._active)
        return any(
            each.owner == owner and each.replaces == run_id
            for each in itertools.chain(active, self._starting)
        )
