"""Pages of other origins: only those in `allowed_origins` can read, and none with cookies."""

import pytest

from tests.server.access.keyed import keyed

PAGE = "https://app.example"
ASKS = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type",
}


def cors(headers: dict[str, str]) -> dict[str, str]:
    return {k: v for k, v in headers.items() if k.lower().startswith("access-control-")}


async def test_an_allowed_page_may_send_a_key_and_read_the_answer() -> None:
    async with keyed(allowed_origins=(PAGE,)) as server:
        url = f"{server.served.api}/conversations"
        headers = {"Origin": PAGE, **ASKS}
        async with server.served.session.options(url, headers=headers) as response:
            assert response.status == 204
            assert response.headers["Access-Control-Allow-Origin"] == PAGE
            assert response.headers["Access-Control-Allow-Headers"] == "authorization, content-type"
            assert "POST" in response.headers["Access-Control-Allow-Methods"]
            assert response.headers["Vary"] == "Origin"
            assert "Access-Control-Allow-Credentials" not in response.headers
        bearer = await server.bearer()
        for given, status in ((bearer, 201), ({}, 401)):
            answered, _, found = await server.ask(
                "POST", "/conversations", {**given, "Origin": PAGE}, {}
            )
            assert answered == status
            assert found["Access-Control-Allow-Origin"] == PAGE
            assert "Retry-After" in found["Access-Control-Expose-Headers"]
            assert "Access-Control-Allow-Credentials" not in found


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "https://app.example.evil", "http://app.example", "null", "*"],
)
async def test_no_other_page_is_answered(origin: str) -> None:
    async with keyed(allowed_origins=(PAGE,)) as server:
        url = f"{server.served.api}/conversations"
        headers = {"Origin": origin, **ASKS}
        async with server.served.session.options(url, headers=headers) as response:
            assert response.status == 403
            assert cors(dict(response.headers)) == {}
        bearer = await server.bearer()
        status, _, found = await server.ask("GET", "/models", {**bearer, "Origin": origin})
        assert status == 403
        assert cors(found) == {}


async def test_our_own_page_needs_no_permission() -> None:
    async with keyed() as server:
        bearer = await server.bearer()
        status, _, found = await server.ask("GET", "/models", {**bearer, "Origin": server.url})
        assert status == 200
        assert cors(found) == {}
        headers = {"Origin": server.url, **ASKS}
        url = f"{server.served.api}/models"
        async with server.served.session.options(url, headers=headers) as response:
            assert response.status == 401


@pytest.mark.parametrize("asked", ["a b", "x" * 65, "évil", ", ".join(["a"] * 65)])
async def test_a_preflight_with_malformed_header_names_allows_none(asked: str) -> None:
    async with keyed(allowed_origins=(PAGE,)) as server:
        url = f"{server.served.api}/models"
        headers = {"Origin": PAGE, **ASKS, "Access-Control-Request-Headers": asked}
        async with server.served.session.options(url, headers=headers) as response:
            assert response.status == 204
            assert "Access-Control-Allow-Headers" not in response.headers
