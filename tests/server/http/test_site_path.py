"""`server.base_path`: serving under a path, whether the proxy strips it or not."""

from pathlib import Path

import pytest

from tests.server.serving import serving
from thinkaloud.config import load
from thinkaloud.errors import ConfigurationError
from thinkaloud.testing import ScriptedModel, say


@pytest.mark.parametrize("written", ["/app", "app", "/app/", "app/"])
async def test_the_path_may_come_with_the_request_or_not(written: str) -> None:
    async with serving(ScriptedModel([say("Hi.")]), base_path=written) as served:
        for prefix in ("", "/app"):
            async with served.session.get(f"{served.url}{prefix}/webui/bootstrap") as answer:
                assert answer.status == 200
                assert (await answer.json())["ws_path"] == "/app/ws"
            async with served.session.ws_connect(f"{served.url}{prefix}/ws") as socket:
                assert (await socket.receive_json())["event"] == "ready"


async def test_the_path_without_its_slash_leads_to_the_page() -> None:
    async with (
        serving(ScriptedModel(), base_path="/app") as served,
        served.session.get(f"{served.url}/app?a=1", allow_redirects=False) as answer,
    ):
        assert (answer.status, answer.headers["Location"]) == (308, "/app/?a=1")


@pytest.mark.parametrize("path", ["/application/api/v1/models", "/ap/api/v1/models", "/app2/ws"])
async def test_a_path_with_only_the_same_prefix_is_not_found(path: str) -> None:
    async with (
        serving(ScriptedModel(), base_path="/app") as served,
        served.session.get(served.url + path) as answer,
    ):
        assert answer.status == 404


async def test_a_foreign_host_is_refused_under_the_path_too() -> None:
    async with (
        serving(ScriptedModel(), base_path="/app") as served,
        served.session.get(
            f"{served.url}/app/api/v1/models", headers={"Host": "evil.example"}
        ) as answer,
    ):
        assert answer.status == 421


@pytest.mark.parametrize(
    "wrong", ["/a b", "/../etc", "/a/./b", "//evil.example", '/"><script>', "/a//b", "/%2e", "/ä"]
)
def test_an_invalid_site_path_prevents_the_start_with_a_reason(wrong: str, tmp_path: Path) -> None:
    file = tmp_path / "thinkaloud.toml"
    file.write_text(f"[server]\nbase_path = '{wrong}'\n", encoding="utf-8")
    if wrong == "//evil.example":
        # Slashes around it do not count: it is a path of this site, and no other site.
        assert load(file, environment={}).settings.server.base_path == "/evil.example"
        return
    with pytest.raises(ConfigurationError, match="base_path must be a path such as /app"):
        load(file, environment={})
