"""Microsoft Entra access tokens from azure-identity (the extra `azure`).

Source: Microsoft, "Use Azure OpenAI without keys"; "DefaultAzureCredential overview"
"""

import asyncio
import importlib
from collections.abc import Mapping
from typing import Final, Protocol, cast

from thinkaloud.errors import ConfigurationError, ProviderError
from thinkaloud.ports.model import HttpRequest

_SCOPE: Final = "https://cognitiveservices.azure.com/.default"
_ADVICE: Final = "Azure needs credentials: set AZURE_OPENAI_API_KEY, or log in with `az login`."


class _Token(Protocol):
    token: str


class Credential(Protocol):
    """A credential of azure-identity, which caches tokens until they expire."""

    def get_token(self, *scopes: str) -> _Token:
        """Return a token for these scopes."""
        ...


class _Identity(Protocol):
    """`azure.identity`."""

    def DefaultAzureCredential(self) -> Credential: ...  # noqa: N802 - azure-identity's name


def _azure(name: str) -> object:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigurationError(
            "Azure without AZURE_OPENAI_API_KEY needs azure-identity: install thinkaloud[azure]."
        ) from error


class AccessToken:
    """Adds a Microsoft Entra token to each request."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential
        self._token: str | None = None

    async def headers(self, request: HttpRequest, url: str) -> Mapping[str, str]:
        """Return the token's header. Raises `ProviderError` if no token can be obtained."""
        errors = cast(
            "type[Exception]",
            getattr(_azure("azure.core.exceptions"), "AzureError"),  # noqa: B009
        )
        try:
            token = await asyncio.to_thread(self._credential.get_token, _SCOPE)
        except (errors, OSError) as error:
            raise ProviderError("provider_auth", f"{_ADVICE} ({type(error).__name__})") from error
        self._token = token.token
        return {"Authorization": f"Bearer {token.token}"}

    def scrub(self, text: str) -> str:
        """Return the text without the token."""
        return text.replace(self._token, "[key]") if self._token else text


def connect(base_url: str, environment: Mapping[str, str]) -> AccessToken:
    """Return the authentication. Makes no network calls yet.

    Raises `ConfigurationError` if azure-identity is not installed.
    """
    identity = cast("_Identity", _azure("azure.identity"))
    return AccessToken(identity.DefaultAzureCredential())
