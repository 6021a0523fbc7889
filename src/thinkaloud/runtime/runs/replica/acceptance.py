"""Stores runs that any replica may execute."""

from thinkaloud.errors import Fenced
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.store import Accepted, Conversation, RunRecord, RunStart, Store
from thinkaloud.runtime.runs.admission import Admission
from thinkaloud.runtime.runs.registration import without_attachments
from thinkaloud.runtime.runs.replica.membership import Membership
from thinkaloud.runtime.runs.replica.spec_codec import encode_spec
from thinkaloud.runtime.runs.run import RunSpec


class Acceptance:
    """Accepts runs. The store decides whether, and whether this replica executes them."""

    def __init__(
        self, store: Store, membership: Membership, admission: Admission, clock: Clock
    ) -> None:
        self._store = store
        self._membership = membership
        self._admission = admission
        self._clock = clock

    async def accept(self, spec: RunSpec, *, unlisted: bool) -> Accepted:
        """Store a run; it is `running` if this replica is to execute it now.

        A conversation that it creates may be `unlisted`.

        Raises `StoreError`, also while this replica cannot write, and `Conflict` or `Busy` as
        `Admission.admit` does for runs of its own.
        """
        owner, name, now_ms = spec.owner, spec.conversation_id, self._clock.unix_ms()
        start = RunStart(
            RunRecord(spec.run_id, name, owner, 1, spec.idempotency_key),
            Conversation(name, owner, now_ms, now_ms, unlisted=unlisted),
            without_attachments(spec.started),
            spec=encode_spec(spec),
            replaces=spec.replaces,
            ahead=self._admission.ahead,
        )
        token = self._membership.token
        if token is None:
            raise Fenced
        try:
            accepted = await self._store.accept(start, token)
        except Fenced:
            self._membership.note_fenced()
            raise
        self._admission.check_accepted(accepted.outcome)
        return accepted
