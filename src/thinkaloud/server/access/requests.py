"""Request bodies and queries of the access endpoints."""

from typing import Annotated

import msgspec
from msgspec import Meta
from typing_extensions import override

from thinkaloud.auth.key_fields import Duration, KeyChange


class LoginRequest(msgspec.Struct, frozen=True):
    """A login."""

    key: Annotated[str, Meta(max_length=512, description="An API key.")]

    @override
    def __repr__(self) -> str:
        return "LoginRequest(…)"


class KeyPatch(KeyChange, frozen=True, kw_only=True):
    """A change of a key, a rotation, or both."""

    rotate: Annotated[
        bool, Meta(description="Give the key a new secret, which the response contains.")
    ] = False
    grace: Annotated[
        Duration,
        Meta(description="How long the former secret stays valid, such as `24h`."),
    ] = "0s"


class AuditQuery(msgspec.Struct, frozen=True):
    """Pagination of the audit log."""

    before: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    """`next_before` of the previous page."""
    limit: Annotated[int, Meta(ge=1, le=200, description="Maximum number of entries.")] = 50
