"""What can be set about a key: the fields of the API and the options of the terminal."""

from typing import Annotated, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from thinkaloud.auth.names import DURATION_PATTERN, OWNER_PATTERN, duration_ms
from thinkaloud.auth.policies import default_scopes
from thinkaloud.errors import InvalidRequest
from thinkaloud.events.prompt import EffortLevel
from thinkaloud.ports.keys import ApiKey, KeySecret
from thinkaloud.ports.principal import ReasoningField, ReasoningPolicy, Role, Scope, UsageLimits

T = TypeVar("T")
Limit = Annotated[int, Meta(ge=0, le=2**53)]
KeyName = Annotated[str, Meta(pattern=r"^[!-~]([ -~]{0,62}[!-~])?$(?!\n)")]
OwnerName = Annotated[str, Meta(pattern=OWNER_PATTERN)]
Duration = Annotated[str, Meta(pattern=DURATION_PATTERN, examples=["30d", "12h"])]
Scopes = Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=10)]
Models = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...], Meta(max_length=100)
]


class KeyFields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a new key."""

    name: KeyName
    """What the key is for: 1 to 64 printable ASCII characters."""
    owner: OwnerName | None = None
    """Whose conversations it uses; null: `name`."""
    role: Role = "user"
    scopes: Scopes | None = None
    """What it may do; null: `chat` and `read`, for an admin everything. `admin` has no effect
    without the role."""
    expires: Duration | None = None
    """How long it is valid, such as `30d` or `12h`; null: until it is revoked."""
    models: Models = ()
    """Glob patterns of the models it may use; empty: all."""
    max_effort: EffortLevel | None = None
    """The highest reasoning effort it may use."""
    reasoning: ReasoningPolicy = "allow"
    """The reasoning policy. The strictest policy that applies wins."""
    reasoning_field: ReasoningField | None = None
    """The field for reasoning in OpenAI Chat Completions; null: as the server is set up."""
    requests_per_minute: Limit | None = None
    """Requests that start a run."""
    concurrent_runs: Limit | None = None
    """Runs that are active or queued at the same time."""
    tokens_per_day: Limit | None = None
    """Input and output tokens, per UTC day."""


class KeyChange(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a key to change; null removes a restriction."""

    name: KeyName | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    scopes: Scopes | UnsetType = UNSET
    expires: Duration | UnsetType | None = UNSET
    """How long it is valid from now, such as `30d`; null: until it is revoked."""
    models: Models | UnsetType | None = UNSET
    max_effort: EffortLevel | UnsetType | None = UNSET
    reasoning: ReasoningPolicy | UnsetType = UNSET
    reasoning_field: ReasoningField | UnsetType | None = UNSET
    requests_per_minute: Limit | UnsetType | None = UNSET
    concurrent_runs: Limit | UnsetType | None = UNSET
    tokens_per_day: Limit | UnsetType | None = UNSET


def new_key(fields: KeyFields, key_id: str, secret: KeySecret, now_ms: int) -> ApiKey:
    """Return a new key. Raises `InvalidRequest` with the field."""
    owner = fields.name if fields.owner is None else fields.owner
    scopes = default_scopes(fields.role) if fields.scopes is None else frozenset(fields.scopes)
    return ApiKey(
        key_id=key_id,
        name=fields.name,
        owner=owner,
        role=fields.role,
        scopes=_permitted(scopes, fields.role),
        secrets=(secret,),
        created_at_ms=now_ms,
        expires_at_ms=_expiry(fields.expires, now_ms),
        models=fields.models,
        max_effort=fields.max_effort,
        reasoning=fields.reasoning,
        reasoning_field=fields.reasoning_field,
        limits=UsageLimits(
            fields.requests_per_minute, fields.concurrent_runs, fields.tokens_per_day
        ),
    )


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
    return msgspec.structs.replace(
        key,
        name=_or(change.name, key.name),
        role=role,
        scopes=_permitted(scopes, role),
        expires_at_ms=expires_at_ms,
        models=_or(change.models, key.models) or (),
        max_effort=_or(change.max_effort, key.max_effort),
        reasoning=_or(change.reasoning, key.reasoning),
        reasoning_field=_or(change.reasoning_field, key.reasoning_field),
        limits=limits,
    )


def checked_fields(fields: KeyFields) -> KeyFields:
    """Check fields that were not decoded. Raises `InvalidRequest` with the field."""
    try:
        return msgspec.convert(msgspec.to_builtins(fields), KeyFields)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None


def checked_change(change: KeyChange) -> KeyChange:
    """Check a change that was not decoded. Raises `InvalidRequest` with the field."""
    try:
        return msgspec.convert(msgspec.to_builtins(change), KeyChange)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None


def grace_ms(text: str) -> int:
    """Parse the grace period of a rotation. Raises `InvalidRequest`."""
    return _duration(text, "grace")


def _invalid(error: msgspec.ValidationError) -> InvalidRequest:
    what, _, path = str(error).partition(" - at `$.")
    field = path.rstrip("`").partition("[")[0]
    return InvalidRequest(f"{field}: {what}.", field=field)


def _or(value: T | UnsetType, otherwise: T) -> T:
    return otherwise if isinstance(value, UnsetType) else value


def _expiry(text: str | None, now_ms: int) -> int | None:
    return None if text is None else now_ms + _duration(text, "expires")


def _duration(text: str, field: str) -> int:
    found = duration_ms(text)
    if found is None:
        raise InvalidRequest(f"{field} must be a duration such as 30d, 24h or 90s.", field=field)
    return found


def _permitted(scopes: frozenset[Scope], role: Role) -> frozenset[Scope]:
    return scopes if role == "admin" else scopes - {"admin"}
