"""The default model of a server without a configured one."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.harness import FakeClock
from tests.providers.upstream import giving, lab, models_of, serving
from thinkaloud.app.discovery import configured_hosts, discover
from thinkaloud.config import load
from thinkaloud.errors import ConfigurationError
from thinkaloud.providers.catalogue import ConfiguredHost, ConfiguredModels
from thinkaloud.providers.client import Sessions
from thinkaloud.providers.hosts.host import Host

DEMO = "demo/demo"
LIST = b'{"data":[{"id":"tiny"}]}'
NOWHERE = "http://127.0.0.1:9"


def local(name: str, base_url: str) -> ConfiguredHost:
    """A local server that nobody configured."""
    host = Host(name, name, "openai-chat", base_url, key_required=False, local=True)
    return ConfiguredHost(host, offered=False)


def keyed(name: str, key: str | None) -> ConfiguredHost:
    host = Host(name, name, "openai-chat", NOWHERE, ("KEY",), default_model="best")
    return ConfiguredHost(host, key, offered=key is not None)


@asynccontextmanager
async def models_at(hosts: Sequence[ConfiguredHost]) -> AsyncGenerator[ConfiguredModels]:
    sessions = Sessions()
    try:
        yield ConfiguredModels(hosts, [], DEMO, sessions, FakeClock())
    finally:
        await sessions.close()


async def test_a_host_with_a_key_comes_before_a_local_server() -> None:
    async with serving(giving(LIST, content_type="application/json")) as server:
        async with models_at([local("near", server.url), keyed("far", "k")]) as models:
            assert await discover(models, DEMO) == "far/best"
        assert server.requests == []


async def test_without_a_key_the_first_local_server_that_answers_is_used_and_offered() -> None:
    async with serving(giving(LIST, content_type="application/json")) as server:
        hosts = [keyed("far", None), local("gone", NOWHERE), local("near", server.url)]
        async with models_at(hosts) as models:
            assert await discover(models, DEMO) == "near/tiny"
            assert models.hosts["near"].offered
            assert not models.hosts["gone"].offered


@pytest.mark.parametrize("body", [b"<html>another program</html>", b'{"data":[]}', b""])
async def test_another_program_at_a_local_port_is_passed_over(body: bytes) -> None:
    async with (
        serving(giving(body, content_type="application/json")) as server,
        models_at([local("near", server.url)]) as models,
    ):
        assert await discover(models, DEMO) == DEMO


async def test_without_anything_the_demo_is_used() -> None:
    async with models_at([keyed("far", None), local("gone", NOWHERE)]) as models:
        assert await discover(models, DEMO) == DEMO


async def test_a_host_of_the_operators_own_comes_before_the_known_ones(tmp_path: Path) -> None:
    table = lab(NOWHERE, 'models = ["mine"]')
    async with models_of(table, tmp_path, {"OPENAI_API_KEY": "k"}) as models:
        assert await discover(models, DEMO) == "lab/mine"


@pytest.mark.parametrize(
    ("variable", "model"),
    [
        ("ANTHROPIC_API_KEY", "anthropic/claude-sonnet-5"),
        ("OPENAI_API_KEY", "openai/gpt-5.5"),
        ("GEMINI_API_KEY", "google/gemini-2.5-flash"),
        ("MISTRAL_API_KEY", "mistral/mistral-medium-latest"),
        ("CO_API_KEY", "cohere/command-a-plus-05-2026"),
        ("AWS_BEARER_TOKEN_BEDROCK", "bedrock/global.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ],
)
async def test_a_key_in_the_environment_is_enough(
    variable: str, model: str, tmp_path: Path
) -> None:
    async with models_of("", tmp_path, {variable: " key "}) as models:
        assert await discover(models, DEMO) == model
        assert models.open(model).info.id == model


async def test_an_empty_key_is_no_key(tmp_path: Path) -> None:
    async with models_of("", tmp_path, {"OPENAI_API_KEY": " "}) as models:
        assert not any(host.offered for host in models.hosts.values())


async def test_addresses_are_filled_in_from_the_environment(tmp_path: Path) -> None:
    environment = {
        "AZURE_OPENAI_ENDPOINT": "https://mine.openai.azure.com/",
        "AZURE_OPENAI_API_KEY": "k",
        "AWS_REGION": "eu-central-1",
        "GOOGLE_CLOUD_PROJECT": "p-1",
    }
    async with models_of("", tmp_path, environment) as models:
        addresses = {
            name: models.hosts[name].host.base_url for name in ("azure", "bedrock", "vertex")
        }
        path = models.hosts["vertex-anthropic"].host.quirks["path"]
    assert addresses == {
        "azure": "https://mine.openai.azure.com/openai/v1",
        "bedrock": "https://bedrock-runtime.eu-central-1.amazonaws.com",
        "vertex": "https://aiplatform.googleapis.com",
    }
    assert path == (
        "/projects/p-1/locations/global/publishers/anthropic/models/{model}:streamRawPredict"
    )


async def test_each_region_of_vertex_has_its_own_address(tmp_path: Path) -> None:
    environment = {"GOOGLE_CLOUD_PROJECT": "p-1", "GOOGLE_CLOUD_LOCATION": "europe-west4"}
    async with models_of("", tmp_path, environment) as models:
        host = models.hosts["vertex"].host
    assert host.base_url == "https://europe-west4-aiplatform.googleapis.com"
    assert "/locations/europe-west4/" in str(host.quirks["path"])


@pytest.mark.parametrize(
    "base_url", ["models.example/v1", "ftp://models.example", "http://[::1", "http://"]
)
def test_an_invalid_base_url_prevents_the_start(base_url: str, tmp_path: Path) -> None:
    file = tmp_path / "thinkaloud.toml"
    file.write_text(lab(base_url), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"hosts\.lab\.base_url"):
        configured_hosts(load(file, environment={}))


@pytest.mark.parametrize(
    ("table", "missing"),
    [('base_url = "http://x"', "dialect"), ('dialect = "openai-chat"', "base_url")],
)
def test_a_custom_host_needs_a_dialect_and_a_base_url(
    table: str, missing: str, tmp_path: Path
) -> None:
    file = tmp_path / "thinkaloud.toml"
    file.write_text(f"[hosts.lab]\n{table}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=rf"hosts\.lab\.{missing} is missing"):
        configured_hosts(load(file, environment={}))
