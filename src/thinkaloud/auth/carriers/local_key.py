"""The local key, for the terminal of the user who runs the server."""

from hmac import compare_digest
from typing import Final

import msgspec
from typing_extensions import override

from thinkaloud.auth.names import is_owner_name
from thinkaloud.auth.secret_values import KeyValue, new_secret
from thinkaloud.errors import InvalidRequest
from thinkaloud.ports.authentication import IncomingRequest

KEY_ID: Final = "local"
OWNER_HEADER: Final = b"x-thinkaloud-owner"
"""Names the owner whose conversations the local key uses. Ignored with any other key."""


class LocalKey(msgspec.Struct, frozen=True):
    """A key that a server creates at each start, for the terminal of its own user.

    It is never stored with the other keys, and valid until the server stops.
    """

    value: KeyValue
    owner: str

    @override
    def __repr__(self) -> str:
        return "LocalKey(…)"

    @classmethod
    def new(cls, owner: str) -> "LocalKey":
        """Return a random key; `owner` is its owner unless a request names another one."""
        return cls(KeyValue(KEY_ID, new_secret()), owner)

    def matches(self, value: KeyValue) -> bool:
        """Whether this is the key."""
        return compare_digest(self.value.digest(), value.digest())

    def owner_of(self, request: IncomingRequest) -> str:
        """Return whose conversations a request uses. Raises `InvalidRequest`."""
        names = [value for name, value in request.headers if name == OWNER_HEADER]
        if not names:
            return self.owner
        name = names[0].decode("latin-1")
        if len(names) > 1 or not is_owner_name(name):
            raise InvalidRequest(
                "X-Thinkaloud-Owner must be the name of one owner.", field="X-Thinkaloud-Owner"
            )
        return name
