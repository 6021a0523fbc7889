"""Removes the secrets of a `base_url` from everything that is displayed.

A user name, a password or a key in the query is sent with every request, and providers and
proxies often quote it in errors: verbatim, decoded, escaped, or as the `Basic` credentials that
a client derives from it.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

REDACTED: Final = "[redacted]"

_SHORTEST: Final = 4
"""Minimum length of a secret to redact anywhere; a shorter one is only redacted inside a URL."""
_CUT: Final = 450
"""Length from which a provider's message may have been truncated."""
_SECRET_PART: Final = re.compile(r"(?<=//)[^/?#\s]*@|[?#].*", re.DOTALL)
_USER_INFO: Final = re.compile(r"(?<=://)[^/?#\s\"'<>]+@")
_QUERY: Final = re.compile(
    r"([?&;][\w.-]*(?:key|token|secret|sig|signature|auth|password|passwd|pwd|credential)[\w.-]*=)"
    r"[^&\s\"'<>]+",
    re.IGNORECASE,
)
_PLAIN_NAMES: Final = frozenset(
    {"api-version", "api_version", "version", "alt", "beta", "region", "deployment", "model"}
)
_PLAIN_WORDS: Final = frozenset(
    {
        "user",
        "admin",
        "root",
        "guest",
        "anonymous",
        "default",
        "none",
        "token",
        "apikey",
        "api_key",
        "bearer",
        "basic",
        "true",
        "false",
        "json",
    }
)


def redact_url(base_url: str) -> str:
    """Return a base URL safe for display: without user name, password, query and fragment."""
    return _SECRET_PART.sub("", base_url)


def identity(base_url: str) -> str:
    """Return a base URL safe for storage: if it contains secrets, they are replaced by a hash."""
    plain = redact_url(base_url)
    if plain == base_url:
        return base_url
    return f"{plain}#{hashlib.sha256(base_url.encode()).hexdigest()[:16]}"


class Redactor:
    """Removes the secrets of one base URL from text."""

    __slots__ = ("_secrets",)

    def __init__(self, base_url: str) -> None:
        self._secrets = tuple(_secrets(base_url))

    def redact(self, text: str) -> str:
        """Return the text without these secrets and without any other secrets in URLs."""
        text = _USER_INFO.sub(f"{REDACTED}@", text)
        text = _QUERY.sub(rf"\1{REDACTED}", text)
        return without(text, self._secrets)


def without(text: str, secrets: Iterable[str], mark: str = REDACTED) -> str:
    """Return the text with every secret replaced, in any form in which it may be quoted.

    A secret that is truncated at the end of the text is replaced too.
    """
    forms = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)
    if not forms:
        return text
    cut = text.endswith("…") or len(text) >= _CUT
    pattern = re.compile("|".join(map(re.escape, forms)), re.IGNORECASE)
    text = pattern.sub(lambda _: mark, text)
    if not cut:
        return text
    body = text.rstrip("…. ")
    for form in forms:
        for length in range(len(form) - 1, _SHORTEST - 1, -1):
            if body.endswith(form[:length]):
                return f"{body[:-length]}{mark}{text[len(body) :]}"
    return text


def _secrets(base_url: str) -> Iterable[str]:
    try:
        parts = urlsplit(base_url)
    except ValueError:
        return
    user, password = parts.username or "", parts.password or ""
    if password:
        pair = f"{unquote(user)}:{unquote(password)}"
        yield pair
        yield base64.b64encode(pair.encode()).decode().rstrip("=")
        yield base64.b64encode(pair.encode("latin-1", "replace")).decode().rstrip("=")
    values = [user, password, parts.fragment]
    values += [value for name, value in parse_qsl(parts.query) if name.lower() not in _PLAIN_NAMES]
    for value in values:
        if len(value) >= _SHORTEST and value.lower() not in _PLAIN_WORDS:
            yield value


def _forms(secret: str) -> Iterable[str]:
    plain = unquote(secret)
    for text in (secret, plain):
        yield text
        yield quote(text, safe="")
        yield quote_plus(text)
        yield quote(text)
        yield html.escape(text)
        yield json.dumps(text)[1:-1]
