"""API keys, and the secret values of sessions and tickets: their format and their digests.

A key is `ta_<id>_<secret>`. Its secret is random, with 256 bits of entropy. That is why one round
of SHA-256 is enough to store it: a slow hash protects passwords that can be guessed, and here there
is nothing to guess. The key's id is the salt.
"""

import hashlib
import re
import secrets
import string
from typing import Final

import msgspec
from typing_extensions import override

_ID_CHARACTERS: Final = string.ascii_lowercase + string.digits
_SECRET_CHARACTERS: Final = string.ascii_letters + string.digits
_ID_LENGTH: Final = 12
_SECRET_LENGTH: Final = 43
"""43 of 62 characters are 256 bits."""
_KEY: Final = re.compile(r"ta_([A-Za-z0-9]{1,32})_([A-Za-z0-9_-]{32,128})\Z")


class KeyValue(msgspec.Struct, frozen=True):
    """A key as its user sends it. Its `repr` doesn't show the secret."""

    key_id: str
    secret: str

    @override
    def __repr__(self) -> str:
        return f"KeyValue({self.key_id!r})"

    def text(self) -> str:
        """Return the key."""
        return f"ta_{self.key_id}_{self.secret}"

    def digest(self) -> bytes:
        """Return the digest that is stored."""
        return _digest("key", self.key_id, self.secret)


def new_key_id() -> str:
    """Return a random id."""
    return _random(_ID_CHARACTERS, _ID_LENGTH)


def new_secret() -> str:
    """Return a random value with 256 bits of entropy: a key's secret, a session or a ticket."""
    return _random(_SECRET_CHARACTERS, _SECRET_LENGTH)


def parse_key(text: str) -> KeyValue | None:
    """Parse a key; None if it doesn't have the form of one."""
    found = _KEY.match(text)
    return None if found is None else KeyValue(found.group(1), found.group(2))


def session_digest(value: str) -> bytes:
    """Return the digest of a session's cookie."""
    return _digest("session", value)


def ticket_digest(value: str) -> bytes:
    """Return the digest of a ticket."""
    return _digest("ticket", value)


def _digest(*parts: str) -> bytes:
    text = "\0".join(("thinkaloud", *parts))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def _random(characters: str, length: int) -> str:
    return "".join(secrets.choice(characters) for _ in range(length))
