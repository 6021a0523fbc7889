"""Authentication by a key in a header."""

import re
from collections.abc import Mapping
from typing import Final

from thinkaloud.errors import ConfigurationError
from thinkaloud.ports.model import HttpRequest
from thinkaloud.providers.hosts.host import KeyStyle
from thinkaloud.providers.redaction import without

_REDACTED: Final = "[key]"
_SECRET_NAME: Final = re.compile(r"auth|key|token|secret|cookie|password", re.IGNORECASE)


class HeaderKey:
    """Puts a key into one header, and keeps it out of everything that is shown."""

    def __init__(self, key: str | None, style: KeyStyle, extra: Mapping[str, str] = {}) -> None:
        """Take a key and the operator's own headers.

        Raises `ConfigurationError` where one of them has characters that no header can carry.
        """
        self._headers = dict(extra)
        self._secrets = [value for name, value in extra.items() if _SECRET_NAME.search(name)]
        if key:
            name = "Authorization" if style == "bearer" else style
            self._headers[name] = f"Bearer {key}" if style == "bearer" else key
            self._secrets.insert(0, key)
        for name, value in self._headers.items():
            if not (name + value).isprintable() or not (name + value).isascii():
                raise ConfigurationError(
                    f"The value for the header {name!r} has characters that it cannot carry:"
                    " check the key and the `headers` of this host."
                )

    async def headers(self, request: HttpRequest, url: str) -> Mapping[str, str]:
        """Return the key's header, and those that the operator configured."""
        return self._headers

    def scrub(self, text: str) -> str:
        """Return the text without the key. Providers like to quote it."""
        return without(text, filter(None, self._secrets), _REDACTED)
