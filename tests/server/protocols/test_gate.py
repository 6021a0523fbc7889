"""Errors in the protocol's own form, and CORS, for all protocols."""

import aiohttp
import pytest

from tests.server.serving import serving
from thinkaloud.errors import Unauthorized
from thinkaloud.ports.authentication import IncomingRequest
from thinkaloud.ports.principal import Principal
from thinkaloud.testing import ScriptedModel, say

PAGE = "https://chat.example"
BODY = {"messages": [{"role": "user", "content": "Hello"}]}


class NobodyIsKnown:
    """An authenticator that accepts no credential."""

    async def authenticate(self, request: IncomingRequest) -> Principal:
        raise Unauthorized("Send a key.")


async def test_a_page_of_an_allowed_origin_may_ask_and_read_the_answer() -> None:
    preflight = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-stainless-os",
    }
    async with serving(ScriptedModel([say("Hi.")]), allowed_origins=(PAGE,)) as served:
        url = f"{served.url}/v1/chat/completions"
        async with served.session.options(url, headers=preflight) as response:
            allowed = response.headers
            assert response.status == 204
        async with served.session.post(url, json=BODY, headers={"Origin": PAGE}) as response:
            assert response.status == 200
            assert response.headers["Access-Control-Allow-Origin"] == PAGE
            assert "Origin" in response.headers["Vary"]
    assert allowed["Access-Control-Allow-Origin"] == PAGE
    assert "x-stainless-os" in allowed["Access-Control-Allow-Headers"]
    assert "POST" in allowed["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Credentials" not in allowed


async def test_a_preflight_needs_no_credential_and_an_error_can_be_read_by_the_page() -> None:
    headers = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    unknown = NobodyIsKnown()
    async with serving(ScriptedModel(), allowed_origins=(PAGE,), authenticator=unknown) as served:
        url = f"{served.url}/v1/chat/completions"
        async with served.session.options(url, headers=headers) as response:
            assert response.status == 204
        async with served.session.post(url, json=BODY, headers={"Origin": PAGE}) as response:
            assert response.status == 401
            assert response.headers["Access-Control-Allow-Origin"] == PAGE
            assert "WWW-Authenticate" in response.headers
            answer = await response.json()
    assert answer["error"]["code"] == "invalid_api_key"
    assert answer["error"]["type"] == "authentication_error"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Origin": "https://evil.example"}, 403, "foreign_origin"),
        ({"Host": "evil.example"}, 421, "wrong_host"),
    ],
)
async def test_errors_of_the_guard_have_the_protocols_form_and_no_cors_headers(
    headers: dict[str, str], status: int, code: str
) -> None:
    model = ScriptedModel()
    async with serving(model, allowed_origins=(PAGE,)) as served:
        url = f"{served.url}/v1/chat/completions"
        async with served.session.post(url, json=BODY, headers=headers) as response:
            answer = await response.json()
            assert "Access-Control-Allow-Origin" not in response.headers
    assert (response.status, answer["error"]["code"]) == (status, code)
    assert model.requests == []


async def test_a_preflight_of_a_foreign_page_allows_nothing() -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    async with serving(ScriptedModel(), allowed_origins=(PAGE,)) as served:
        url = f"{served.url}/v1/chat/completions"
        async with aiohttp.ClientSession() as session, session.options(url, headers=headers) as got:
            assert got.status == 403
            assert "Access-Control-Allow-Origin" not in got.headers


async def test_our_own_paths_keep_their_problem_documents() -> None:
    async with (
        serving(ScriptedModel()) as served,
        served.session.get(f"{served.api}/runs/none") as response,
    ):
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.status == 404
