"""Decisions about tool calls, and answers to questions: from any client, each exactly once."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final, Literal

import msgspec

from thinkaloud.core.approvals.waiting import refused
from thinkaloud.errors import Conflict, InvalidRequest, NotFound, StoreError, ThinkaloudError
from thinkaloud.events.event import Event, ToolStarted
from thinkaloud.events.fold import RunFold
from thinkaloud.events.interaction import (
    ApprovalRequested,
    ApprovalResolved,
    DecidedBy,
    Decision,
    Remember,
)
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.execution.approvals import RememberedApproval, RememberedApprovals
from thinkaloud.ports.principal import Principal
from thinkaloud.ports.store import RunRecord
from thinkaloud.ports.tool import Answer
from thinkaloud.runtime.log.hub import Hub
from thinkaloud.runtime.runs.active import ActiveRuns
from thinkaloud.runtime.runs.run import Run
from thinkaloud.runtime.tools.questions import Questions

_LONGEST_SLEEP: Final = 60.0
_SAVING_SECONDS: Final = 10.0
_MAX_REASON: Final = 2_000
_MAX_ARGUMENTS: Final = 1_000_000
_KEPT_DECIDED: Final = 1_024
_log = logging.getLogger(__name__)


class Verdict(msgspec.Struct, frozen=True):
    """What a person decided about a tool call."""

    decision: Literal["approve", "deny"]
    arguments: dict[str, object] | None = None
    """Arguments that replace those of the model."""
    reason: str | None = None
    remember: Remember | None = None


class ApprovalServices(msgspec.Struct, frozen=True):
    """What decisions need."""

    hub: Hub
    active: ActiveRuns
    remembered: RememberedApprovals
    questions: Questions
    clock: Clock
    find: Callable[[str, str], Awaitable[RunRecord]]
    """Finds a run by owner and id. Raises `NotFound`."""
    fold: Callable[[RunRecord], Awaitable[RunFold | None]]
    """Returns the current state of a run."""
    resume: Callable[[RunRecord], Awaitable[Run]]
    """Continues a run that waits."""


class Approvals:
    """The open approvals and questions of all runs."""

    def __init__(self, services: ApprovalServices) -> None:
        self._services = services
        self._deciding = asyncio.Lock()
        self._decided: OrderedDict[str, RunRecord] = OrderedDict()

    def open(self, owner: str) -> Sequence[tuple[RunRecord, ApprovalRequested]]:
        """Return the open approvals of an owner, oldest first, with their runs."""
        found = [each for each in self._all() if each[0].owner == owner]
        return sorted(found, key=lambda each: each[1].expires_at_ms)

    async def decide(
        self, principal: Principal, run_id: str, approval_id: str, verdict: Verdict, via: str
    ) -> ApprovalResolved:
        """Decide about a tool call. It starts only when the decision is stored.

        Raises `Forbidden`, `NotFound`, `InvalidRequest`, `Conflict` if it has been decided, and
        `StoreError` if the decision could not be stored in time: it counts once it is.
        """
        principal.check("chat")
        record = await self._services.find(principal.owner, run_id)
        async with self._deciding:
            asked = await self._asked(record, approval_id)
            _check(verdict, asked)
            by = DecidedBy(principal.owner, principal.key_id, via)
            resolved = _resolution(asked, verdict, by)
            if verdict.remember == "always" and verdict.decision == "approve":
                now_ms = self._services.clock.unix_ms()
                await self._services.remembered.remember(
                    RememberedApproval(principal.owner, asked.action, asked.fingerprint, now_ms)
                )
            await self._apply(record, asked, resolved)
        return resolved

    def run_of(self, owner: str, approval_id: str) -> str:
        """Return the id of the run with an approval that is open, or was until recently.

        Raises `NotFound`.
        """
        for record, asked in self._all():
            if record.owner == owner and asked.approval_id == approval_id:
                return record.run_id
        decided = self._decided.get(approval_id)
        if decided is None or decided.owner != owner:
            raise NotFound("There is no such approval.")
        return decided.run_id

    async def answer(
        self, principal: Principal, run_id: str, question_id: str, answer: Answer
    ) -> None:
        """Answer a question of a running tool call.

        Raises `Forbidden`, `NotFound`, `InvalidRequest`, and `Conflict` if it has been answered.
        """
        principal.check("chat")
        services = self._services
        record = await services.find(principal.owner, run_id)
        if answer.content is not None and answer.action != "accept":
            raise InvalidRequest("Only an accepted question has content.", field="content")
        if services.questions.answer(record.run_id, question_id, answer):
            return
        fold = await services.fold(record)
        blocks = () if fold is None else fold.view().blocks
        if any(getattr(block, "question_id", None) == question_id for block in blocks):
            raise Conflict("The question has been answered, or is not open any more.")
        raise NotFound("There is no such question.")

    async def expire(self) -> None:
        """Expire all approvals whose time has come."""
        now_ms = self._services.clock.unix_ms()
        for record, asked in self._all():
            if asked.expires_at_ms <= now_ms:
                by = DecidedBy(record.owner, via="expiry")
                expired = ApprovalResolved(asked.approval_id, asked.tool_call_id, "expired", by)
                # Somebody else may decide at the same time, or the run may end.
                with suppress(NotFound, Conflict):
                    async with self._deciding:
                        await self._asked(record, asked.approval_id)
                        await self._apply(record, asked, expired)

    async def keep_expiring(self) -> None:
        """Expire approvals in time, until cancelled."""
        changed = self._services.active.parked.changed
        while True:
            changed.clear()
            due = [asked.expires_at_ms for _, asked in self._all()]
            left = _LONGEST_SLEEP
            if due:
                now_ms = self._services.clock.unix_ms()
                left = max(0.0, min(left, (min(due) - now_ms) / 1000))
            with suppress(TimeoutError):
                async with asyncio.timeout(left + 0.01):
                    await changed.wait()
            try:
                await self.expire()
            except ThinkaloudError:
                _log.exception("an approval could not be expired; trying again")
                await asyncio.sleep(1)

    def _all(self) -> Sequence[tuple[RunRecord, ApprovalRequested]]:
        active = self._services.active
        found = [(each.record, asked) for each in active.parked for asked in each.approvals]
        for run in active:
            record = RunRecord(run.spec.run_id, run.spec.conversation_id, run.spec.owner, 0)
            if run.has_begun:
                found.extend((record, asked) for asked in run.recorder.fold.interactions.open)
        return found

    async def _asked(self, record: RunRecord, approval_id: str) -> ApprovalRequested:
        fold = await self._services.fold(record)
        interactions = None if fold is None else fold.interactions
        if interactions is None or approval_id not in interactions.approvals:
            raise NotFound("This run has no such approval.")
        resolved = interactions.resolved.get(approval_id)
        if resolved is not None:
            raise Conflict(f"This has been decided already: {resolved.decision}.")
        return interactions.approvals[approval_id]

    async def _apply(
        self, record: RunRecord, asked: ApprovalRequested, resolved: ApprovalResolved
    ) -> None:
        """Append a decision and what follows from it in one batch, and store it."""
        services = self._services
        run = services.active.get(record.run_id) or await services.resume(record)
        events: list[Event] = [resolved]
        if resolved.decision == "approved":
            arguments = asked.arguments if resolved.arguments is None else resolved.arguments
            events.append(ToolStarted(asked.tool_call_id, asked.action, arguments))
        else:
            events.append(refused(asked, resolved.decision, resolved.reason))
        for event in events:
            run.recorder.append(event)
        self._decided[asked.approval_id] = record
        if len(self._decided) > _KEPT_DECIDED:
            self._decided.popitem(last=False)
        stored = asyncio.create_task(self._store(run, asked, resolved))  # noqa: TID251 - see below
        run.storing[asked.approval_id] = stored
        done, _ = await asyncio.wait([stored], timeout=_SAVING_SECONDS)
        if not done:
            raise StoreError("The decision could not be stored yet. It counts once it is stored.")
        stored.result()

    async def _store(self, run: Run, asked: ApprovalRequested, resolved: ApprovalResolved) -> None:
        """Store a decision, then let the engine of the run act on it."""
        log, writer = run.log, self._services.hub.writer
        seq = log.last_seq
        await writer.save()
        while log.unsaved.begins_by(seq) and not log.deleted:
            await asyncio.sleep(0.1)
            await writer.save()
        del run.storing[asked.approval_id]
        run.decisions.add(asked.approval_id if resolved.decision == "approved" else None)


def _resolution(asked: ApprovalRequested, verdict: Verdict, by: DecidedBy) -> ApprovalResolved:
    approves = verdict.decision == "approve"
    decision: Decision = "approved" if approves else "denied"
    arguments = None
    if approves and verdict.arguments is not None:
        arguments = msgspec.json.encode(verdict.arguments).decode()
        if msgspec.json.decode(asked.arguments) == verdict.arguments:
            arguments = None  # Nothing was changed.
    return ApprovalResolved(
        asked.approval_id,
        asked.tool_call_id,
        decision,
        by,
        arguments,
        None if verdict.reason is None else verdict.reason[:_MAX_REASON],
        verdict.remember if approves else None,
    )


def _check(verdict: Verdict, asked: ApprovalRequested) -> None:
    """Raise `InvalidRequest` if this cannot be decided about this call."""
    if verdict.arguments is not None:
        if not asked.editable:
            raise InvalidRequest("The arguments of this call cannot be changed.", field="arguments")
        if verdict.decision == "deny":
            raise InvalidRequest("A denied call has no arguments.", field="arguments")
        try:
            size = len(msgspec.json.encode(verdict.arguments))
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidRequest(f"arguments are invalid: {error}", field="arguments") from error
        if size > _MAX_ARGUMENTS:
            raise InvalidRequest("The arguments are too large.", field="arguments")
    if verdict.remember is not None:
        if verdict.decision == "deny":
            raise InvalidRequest("Only an approval can be remembered.", field="remember")
        if verdict.remember not in asked.allowed_remember:
            raise InvalidRequest(
                "This tool must be approved every time.",
                field="remember",
                valid=asked.allowed_remember,
            )
