"""Authentication with a key in a header."""

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
    """Sends a key in a header, and removes it from everything that is displayed."""

    def __init__(self, key: str | None, style: KeyStyle, extra: Mapping[str, str] = {}) -> None:
        """Set the key and the operator's extra headers.

        Raises `ConfigurationError` if one contains characters that are invalid in a header.
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
                    f"The value for the header {name!r} has invalid characters: check the key and"
                    " the `headers` of this host."
                )

    async def headers(self, request: HttpRequest, url: str) -> Mapping[str, str]:
        """Return the key's header and the operator's extra headers."""
        return self._headers

    def scrub(self, text: str) -> str:
        """Return the text without the key, which providers often quote in errors."""
        return without(text, filter(None, self._secrets), _REDACTED)
