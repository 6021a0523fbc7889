"""Responses of the access endpoints."""

from collections.abc import Sequence
from typing import Literal

import msgspec
from typing_extensions import override

from thinkaloud.auth.settings import AuthMode
from thinkaloud.events.prompt import Effort
from thinkaloud.ports.keys import ApiKey, AuditEntry
from thinkaloud.ports.principal import Principal, ReasoningField, ReasoningPolicy, Role, Scope
from thinkaloud.runtime.usage_meter import Remaining


class LimitsView(msgspec.Struct, frozen=True):
    """Limits on what may be started; null: unlimited."""

    requests_per_minute: int | None
    concurrent_runs: int | None
    tokens_per_day: int | None


class AppliedLimits(LimitsView, frozen=True):
    """Limits, what they apply to, and what is left of them. All of them apply."""

    applies_to: str
    """`key`, `owner` or `role`."""
    remaining: LimitsView
    """Requests that may start a run within this minute, further runs at the same time, and tokens of
    this day (UTC); null: unlimited."""


class MeView(msgspec.Struct, frozen=True, kw_only=True):
    """Who sends a request, and what they may do."""

    mode: AuthMode
    """How the server authenticates. `off`: everybody is its only owner."""
    owner: str
    role: Role
    scopes: tuple[Scope, ...]
    key_id: str | None
    """The key in use, or the key of the session; null without one."""
    key_name: str | None
    expires_at_ms: int | None
    """When the key expires; null: never, or there is none."""
    session: bool
    """Whether the request is authenticated by a session, which `DELETE /session` ends."""
    models: tuple[str, ...]
    """Glob patterns of the models that may be used; empty: all."""
    max_effort: Effort | None
    """The highest reasoning effort that may be used; null: any."""
    reasoning: ReasoningPolicy
    """The policy for reasoning that applies."""
    limits: tuple[AppliedLimits, ...]


class TicketView(msgspec.Struct, frozen=True):
    """A ticket for one WebSocket."""

    ticket: str
    subprotocols: tuple[str, ...]
    """The subprotocols to open the socket with. They contain the ticket."""
    expires_at_ms: int

    @override
    def __repr__(self) -> str:
        return "TicketView(…)"


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """An API key, without its secret."""

    id: str
    name: str
    owner: str
    role: Role
    scopes: tuple[Scope, ...]
    status: Literal["live", "expired", "revoked"]
    created_at_ms: int
    expires_at_ms: int | None
    revoked_at_ms: int | None
    last_used_ms: int | None
    """To the minute."""
    models: tuple[str, ...]
    max_effort: Effort | None
    reasoning: ReasoningPolicy
    reasoning_field: ReasoningField | None
    """The field for reasoning in OpenAI Chat Completions; null: as the server is set up."""
    requests_per_minute: int | None
    concurrent_runs: int | None
    tokens_per_day: int | None


class IssuedKeyView(KeyView, frozen=True, kw_only=True):
    """A key with its value, which is shown only once."""

    key: str

    @override
    def __repr__(self) -> str:
        return f"IssuedKeyView({self.id!r})"


class ChangedKeyView(KeyView, frozen=True, kw_only=True, omit_defaults=True):
    """A changed key. After a rotation with its new value, which is shown only once."""

    key: str | msgspec.UnsetType = msgspec.UNSET

    @override
    def __repr__(self) -> str:
        return f"ChangedKeyView({self.id!r})"


class KeyList(msgspec.Struct, frozen=True):
    """All keys, oldest first."""

    keys: tuple[KeyView, ...]


class AuditView(msgspec.Struct, frozen=True):
    """An entry of the audit log."""

    at_ms: int
    act: str
    by: str
    """Who did it: an owner, `terminal` or `configuration`. Empty if unknown."""
    key_id: str | None
    """The key that it is about."""
    address: str | None
    request_id: str | None
    detail: str


class AuditPage(msgspec.Struct, frozen=True):
    """A page of the audit log, newest first."""

    entries: tuple[AuditView, ...]
    next_before: int | None
    """The cursor of the next page; null on the last one."""


def me_view(
    principal: Principal, mode: AuthMode, key: ApiKey | None, remaining: Sequence[Remaining]
) -> MeView:
    """Return a principal for its own eyes."""
    return MeView(
        mode=mode,
        owner=principal.owner,
        role=principal.role,
        scopes=_sorted(principal.scopes),
        key_id=principal.key_id,
        key_name=None if key is None else key.name,
        expires_at_ms=None if key is None else key.expires_at_ms,
        session=(principal.credential or "").count(".") > 1,
        models=principal.models,
        max_effort=principal.max_effort,
        reasoning=principal.reasoning,
        limits=tuple(
            AppliedLimits(
                limits.requests_per_minute,
                limits.concurrent_runs,
                limits.tokens_per_day,
                name.partition(":")[0],
                LimitsView(left.requests, left.runs, left.tokens),
            )
            for (name, limits), left in zip(principal.limits, remaining, strict=True)
        ),
    )


def key_view(key: ApiKey, now_ms: int) -> KeyView:
    """Return a key without its secret."""
    status: Literal["live", "expired", "revoked"] = "live"
    if key.revoked_at_ms is not None:
        status = "revoked"
    elif not key.is_live(now_ms):
        status = "expired"
    return KeyView(
        id=key.key_id,
        name=key.name,
        owner=key.owner,
        role=key.role,
        scopes=_sorted(key.scopes),
        status=status,
        created_at_ms=key.created_at_ms,
        expires_at_ms=key.expires_at_ms,
        revoked_at_ms=key.revoked_at_ms,
        last_used_ms=key.last_used_ms,
        models=key.models,
        max_effort=key.max_effort,
        reasoning=key.reasoning,
        reasoning_field=key.reasoning_field,
        requests_per_minute=key.limits.requests_per_minute,
        concurrent_runs=key.limits.concurrent_runs,
        tokens_per_day=key.limits.tokens_per_day,
    )


def audit_page(entries: Sequence[AuditEntry], limit: int) -> AuditPage:
    """Return a page of at most `limit` of these entries; one more means that there is another."""
    page = entries[:limit]
    return AuditPage(
        tuple(
            AuditView(
                each.at_ms,
                each.act,
                each.by,
                each.key_id,
                each.address,
                each.request_id,
                each.detail,
            )
            for each in page
        ),
        page[-1].number if len(entries) > limit else None,
    )


def _sorted(scopes: frozenset[Scope]) -> tuple[Scope, ...]:
    return tuple(sorted(scopes))
