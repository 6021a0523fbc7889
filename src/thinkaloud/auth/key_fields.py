"""What can be set about a key: the fields of the API and the options of the terminal."""

from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from thinkaloud.auth.names import duration_ms, is_key_name, is_owner_name
from thinkaloud.auth.policies import default_scopes
from thinkaloud.errors import InvalidRequest
from thinkaloud.events.prompt import EffortLevel
from thinkaloud.ports.keys import ApiKey, KeySecret
from thinkaloud.ports.principal import ReasoningPolicy, Role, Scope, UsageLimits

_MOST_MODELS: Final = 100
_LONGEST_MODEL: Final = 200
_LONGEST_MS: Final = 100 * 365 * 86_400_000

T = TypeVar("T")
Limit = Annotated[int, Meta(ge=0, le=2**53)]


class KeyFields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a new key."""

    name: str
    """What the key is for: 1 to 64 printable characters."""
    owner: str | None = None
    """Whose conversations it uses; null: `name`."""
    role: Role = "user"
    scopes: tuple[Scope, ...] | None = None
    """What it may do; null: `chat` and `read`, for an admin everything."""
    expires: str | None = None
    """How long it is valid, such as `30d` or `12h`; null: until it is revoked."""
    models: tuple[str, ...] = ()
    """Glob patterns of the models it may use; empty: all."""
    max_effort: EffortLevel | None = None
    """The highest reasoning effort it may use."""
    reasoning: ReasoningPolicy = "allow"
    """The reasoning policy. The strictest policy that applies wins."""
    requests_per_minute: Limit | None = None
    """Requests that start a run."""
    concurrent_runs: Limit | None = None
    """Runs that are active or queued at the same time."""
    tokens_per_day: Limit | None = None
    """Input and output tokens, per UTC day."""


class KeyChange(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a key to change; null removes a restriction."""

    name: str | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    scopes: tuple[Scope, ...] | UnsetType = UNSET
    expires: str | UnsetType | None = UNSET
    """How long it is valid from now, such as `30d`; null: until it is revoked."""
    models: tuple[str, ...] | UnsetType | None = UNSET
    max_effort: EffortLevel | UnsetType | None = UNSET
    reasoning: ReasoningPolicy | UnsetType = UNSET
    requests_per_minute: Limit | UnsetType | None = UNSET
    concurrent_runs: Limit | UnsetType | None = UNSET
    tokens_per_day: Limit | UnsetType | None = UNSET


def new_key(fields: KeyFields, key_id: str, secret: KeySecret, now_ms: int) -> ApiKey:
    """Return a new key. Raises `InvalidRequest` with the field."""
    owner = fields.name if fields.owner is None else fields.owner
    scopes = default_scopes(fields.role) if fields.scopes is None else frozenset(fields.scopes)
    key = ApiKey(
        key_id=key_id,
        name=fields.name,
        owner=owner,
        role=fields.role,
        scopes=scopes,
        secrets=(secret,),
        created_at_ms=now_ms,
        expires_at_ms=_expiry(fields.expires, now_ms),
        models=fields.models,
        max_effort=fields.max_effort,
        reasoning=fields.reasoning,
        limits=UsageLimits(
            fields.requests_per_minute, fields.concurrent_runs, fields.tokens_per_day
        ),
    )
    return _checked(key)


def changed(key: ApiKey, change: KeyChange, now_ms: int) -> ApiKey:
    """Return a key with some fields changed. Raises `InvalidRequest` with the field."""
    role: Role = _or(change.role, key.role)
    scopes = key.scopes
    if not isinstance(change.scopes, UnsetType):
        scopes = frozenset(change.scopes)
    elif role != key.role:
        scopes = default_scopes(role)
    expires_at_ms = key.expires_at_ms
    if not isinstance(change.expires, UnsetType):
        expires_at_ms = _expiry(change.expires, now_ms)
    limits = UsageLimits(
        _or(change.requests_per_minute, key.limits.requests_per_minute),
        _or(change.concurrent_runs, key.limits.concurrent_runs),
        _or(change.tokens_per_day, key.limits.tokens_per_day),
    )
    after = msgspec.structs.replace(
        key,
        name=_or(change.name, key.name),
        role=role,
        scopes=scopes,
        expires_at_ms=expires_at_ms,
        models=_or(change.models, key.models) or (),
        max_effort=_or(change.max_effort, key.max_effort),
        reasoning=_or(change.reasoning, key.reasoning),
        limits=limits,
    )
    return _checked(after)


def grace_ms(text: str) -> int:
    """Parse the grace period of a rotation. Raises `InvalidRequest`."""
    return _duration(text, "grace")


def _or(value: T | UnsetType, otherwise: T) -> T:
    return otherwise if isinstance(value, UnsetType) else value


def _expiry(text: str | None, now_ms: int) -> int | None:
    return None if text is None else now_ms + _duration(text, "expires")


def _duration(text: str, field: str) -> int:
    found = duration_ms(text)
    if found is None or found > _LONGEST_MS:
        raise InvalidRequest(f"{field} must be a duration such as 30d, 24h or 90s.", field=field)
    return found


def _checked(key: ApiKey) -> ApiKey:
    if not is_key_name(key.name):
        raise InvalidRequest("name must be 1 to 64 printable characters.", field="name")
    if not is_owner_name(key.owner):
        raise InvalidRequest("owner must be 1 to 128 printable ASCII characters.", field="owner")
    if not key.scopes:
        raise InvalidRequest("scopes must not be empty.", field="scopes")
    if "admin" in key.scopes and key.role != "admin":
        raise InvalidRequest("The scope admin requires the role admin.", field="scopes")
    if len(key.models) > _MOST_MODELS:
        raise InvalidRequest(f"models can have at most {_MOST_MODELS} patterns.", field="models")
    if any(not 0 < len(pattern) <= _LONGEST_MODEL for pattern in key.models):
        raise InvalidRequest(
            f"A pattern in models must have 1 to {_LONGEST_MODEL} characters.", field="models"
        )
    return key
