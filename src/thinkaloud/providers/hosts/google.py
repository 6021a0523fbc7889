"""Google Cloud access tokens from google-auth (the extra `google`).

Source: Google, "Application Default Credentials"; https://googleapis.dev/python/google-auth
"""

import asyncio
import importlib
from collections.abc import Mapping, Sequence
from typing import Final, Protocol, cast

from thinkaloud.errors import ConfigurationError, ProviderError
from thinkaloud.ports.model import HttpRequest

_SCOPES: Final = ("https://www.googleapis.com/auth/cloud-platform",)
_ADVICE: Final = (
    "Vertex AI needs credentials: run `gcloud auth application-default login`, or set"
    " GOOGLE_APPLICATION_CREDENTIALS to a credentials file."
)


class _Credentials(Protocol):
    token: str | None
    valid: bool

    def refresh(self, request: object) -> None: ...


class _Module(Protocol):
    """`google.auth`."""

    def default(self, *, scopes: Sequence[str]) -> tuple[_Credentials, str | None]: ...


class _Transport(Protocol):
    """`google.auth.transport.requests`."""

    def Request(self) -> object: ...  # noqa: N802 - google-auth's name


def _google(name: str) -> object:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigurationError(
            "Vertex AI needs google-auth: install thinkaloud[google]."
        ) from error


class AccessToken:
    """Adds a Google Cloud token to each request, refreshed before it expires."""

    def __init__(self) -> None:
        self._auth = cast("_Module", _google("google.auth"))
        self._transport = cast("_Transport", _google("google.auth.transport.requests"))
        self._credentials: _Credentials | None = None
        self._lock = asyncio.Lock()

    async def headers(self, request: HttpRequest, url: str) -> Mapping[str, str]:
        """Return the token's header. Raises `ProviderError` if no token can be obtained."""
        async with self._lock:
            credentials = self._credentials
            if credentials is None or not credentials.valid:
                credentials = self._credentials = await asyncio.to_thread(self._fresh)
        return {"Authorization": f"Bearer {credentials.token}"}

    def scrub(self, text: str) -> str:
        """Return the text without the token."""
        token = self._credentials.token if self._credentials else None
        return text.replace(token, "[key]") if token else text

    def _fresh(self) -> _Credentials:
        credentials = self._credentials
        try:
            if credentials is None:
                credentials = self._auth.default(scopes=_SCOPES)[0]
            credentials.refresh(self._transport.Request())
        except self._errors as error:
            raise ProviderError("provider_auth", f"{_ADVICE} ({type(error).__name__})") from error
        return credentials

    @property
    def _errors(self) -> tuple[type[Exception], ...]:
        kind = getattr(_google("google.auth.exceptions"), "GoogleAuthError")  # noqa: B009
        return (cast("type[Exception]", kind), OSError)


def connect(base_url: str, environment: Mapping[str, str]) -> AccessToken:
    """Return the authentication. Does not read credentials yet; google-auth locates them.

    Raises `ConfigurationError` if google-auth is not installed.
    """
    return AccessToken()
