"""Requests to Azure carry an API key if there is one, otherwise a Microsoft Entra token."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from azure.core.credentials import AccessToken as Token
from azure.core.exceptions import ClientAuthenticationError

from tests.providers.upstream import collect_events, failure, giving, models_of, serving
from thinkaloud.errors import ProviderError
from thinkaloud.ports.model import HttpRequest
from thinkaloud.providers.hosts.azure import AccessToken

REQUEST = HttpRequest("/responses", b"{}")
URL = "https://mine.openai.azure.com/openai/v1/responses"


class FakeCredential:
    """A credential like azure-identity's that returns a scripted token."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens = list(tokens)
        self.scopes: list[str] = []

    def get_token(self, *scopes: str) -> Token:
        self.scopes += scopes
        if not self._tokens:
            raise ClientAuthenticationError("no login")
        return Token(self._tokens.pop(0), 0)


async def test_a_token_for_azures_models_is_sent_and_not_shown() -> None:
    credential = FakeCredential(["eyJ-one"])
    authentication = AccessToken(credential)
    assert await authentication.headers(REQUEST, URL) == {"Authorization": "Bearer eyJ-one"}
    assert credential.scopes == ["https://cognitiveservices.azure.com/.default"]
    assert authentication.scrub("wrong: eyJ-one") == "wrong: [key]"


async def test_without_a_login_the_error_says_what_to_set() -> None:
    with pytest.raises(ProviderError, match="AZURE_OPENAI_API_KEY") as caught:
        await AccessToken(FakeCredential([])).headers(REQUEST, URL)
    assert caught.value.code == "provider_auth"


async def test_a_key_goes_into_azures_own_header(tmp_path: Path) -> None:
    async with serving(giving(b"{}", 401, "application/json")) as upstream:
        environment = {"AZURE_OPENAI_API_KEY": "k-1", "AZURE_OPENAI_ENDPOINT": upstream.url + "/"}
        async with models_of("", tmp_path, environment) as models:
            assert (
                failure(await collect_events(models.open("azure/gpt-5-mini"))).code
                == "provider_auth"
            )
        [request] = upstream.requests
    assert request.path == "/openai/v1/responses"
    assert request.headers["api-key"] == "k-1"
    assert "Authorization" not in request.headers
