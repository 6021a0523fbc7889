"""How keys are shown in the terminal."""

from datetime import UTC, datetime

import msgspec

from thinkaloud.ports.clock import SystemClock
from thinkaloud.ports.keys import ApiKey


def as_json(key: ApiKey) -> dict[str, object]:
    """Return a key without its secrets, with the fields of the API."""
    return {
        "id": key.key_id,
        "name": key.name,
        "owner": key.owner,
        "role": key.role,
        "scopes": sorted(key.scopes),
        "status": status(key, SystemClock().unix_ms()),
        "created_at_ms": key.created_at_ms,
        "expires_at_ms": key.expires_at_ms,
        "revoked_at_ms": key.revoked_at_ms,
        "last_used_ms": key.last_used_ms,
        "models": key.models,
        "max_effort": key.max_effort,
        "reasoning": key.reasoning,
        "reasoning_field": key.reasoning_field,
        **msgspec.structs.asdict(key.limits),
    }


def status(key: ApiKey, now_ms: int) -> str:
    """Return `live`, `expired` or `revoked`."""
    if key.revoked_at_ms is not None:
        return "revoked"
    return "live" if key.is_live(now_ms) else "expired"


def day(at_ms: int) -> str:
    """Return a time in the local time zone."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC).astimezone():%Y-%m-%d %H:%M}"


def restrictions(key: ApiKey) -> str:
    """Return what restricts a key, in words."""
    found: list[str] = [f"scopes {', '.join(sorted(key.scopes))}"]
    if key.expires_at_ms is not None:
        found.append(f"until {day(key.expires_at_ms)}")
    if key.models:
        found.append(f"models {', '.join(key.models)}")
    if key.max_effort is not None:
        found.append(f"effort up to {key.max_effort}")
    if key.reasoning != "allow":
        found.append(f"reasoning {key.reasoning}")
    if key.reasoning_field is not None:
        found.append(f"reasoning in {key.reasoning_field}")
    limits = key.limits
    for number, unit in (
        (limits.requests_per_minute, "requests per minute"),
        (limits.concurrent_runs, "concurrent runs"),
        (limits.tokens_per_day, "tokens per day"),
    ):
        if number is not None:
            found.append(f"{number:,} {unit}")
    return "; ".join(found)
