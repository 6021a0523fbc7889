"""Models by name: configured and listed models, and errors for unknown names."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from tests.providers.upstream import (
    END,
    THOUGHT_AND_ANSWER,
    collect_events,
    giving,
    lab,
    models_of,
    sent,
    serving,
    texts,
)
from thinkaloud.errors import ConfigurationError, ProviderError, UnknownModel

LIST = b'{"data":[{"id":"qwen3-8b","context_length":40960},{"id":"llama-3.3-70b"}]}'
NOWHERE = "http://127.0.0.1:9/v1"


async def test_a_host_lists_its_models_with_their_features(tmp_path: Path) -> None:
    async with serving(giving(LIST, content_type="application/json")) as upstream:
        async with models_of(lab(upstream.url + "/v1/"), tmp_path) as models:
            found = {info.id: info for info in await models.models()}
        assert [request.path for request in upstream.requests] == ["/v1/models"]
    assert found["lab/qwen3-8b"].max_tokens == 40960
    assert found["lab/qwen3-8b"].reasoning.efforts == ("none", "high")
    assert not found["lab/llama-3.3-70b"].reasoning.supported
    assert found["lab/llama-3.3-70b"].reasoning.efforts == ()


async def test_a_hosts_model_list_is_cached_for_five_minutes(tmp_path: Path) -> None:
    async with serving(giving(LIST, content_type="application/json")) as upstream:
        async with models_of(lab(upstream.url), tmp_path) as models:
            await models.models()
            await models.models()
        assert len(upstream.requests) == 1


async def test_an_unreachable_host_is_left_out_of_the_list(
    tmp_path: Path,
) -> None:
    toml = (
        lab(NOWHERE)
        + '[hosts.mine]\ndialect = "cohere-chat"\nbase_url = "http://127.0.0.1:9"\nmodels = ["a", "b"]\n'
    )
    async with models_of(toml, tmp_path) as models:
        assert [info.id for info in await models.models()] == ["mine/a", "mine/b", "lab/m"]


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, b'{"error":{"message":"no"}}', "provider_auth"),
        (200, b"<html>hello</html>", "provider_bad_request"),
        (200, b'{"data":"none"}', "provider_bad_request"),
        (302, b"", "provider_bad_request"),
        (500, b"", "provider_overloaded"),
    ],
)
async def test_a_host_that_lists_nonsense_is_a_typed_error(
    status: int, body: bytes, code: str, tmp_path: Path
) -> None:
    async with (
        serving(giving(body, status, "application/json")) as upstream,
        models_of(lab(upstream.url), tmp_path) as models,
    ):
        with pytest.raises(ProviderError) as caught:
            await models.ask("lab")
    assert caught.value.code == code


async def test_an_unknown_name_is_reported_with_the_nearest_ones(tmp_path: Path) -> None:
    async with (
        serving(giving(LIST, content_type="application/json")) as upstream,
        models_of(lab(upstream.url), tmp_path) as models,
    ):
        await models.ask("lab")
        with pytest.raises(UnknownModel) as caught:
            models.open("labs/qwen3-8b")
        assert caught.value.nearest == ("lab/qwen3-8b",)
        with pytest.raises(UnknownModel):
            models.open("qwen3-8b")


async def test_only_the_models_that_the_operator_lists_can_be_opened(tmp_path: Path) -> None:
    async with models_of(lab(NOWHERE, 'models = ["a"]'), tmp_path) as models:
        assert models.open("lab/a").info.name == "a"
        with pytest.raises(UnknownModel):
            models.open("lab/b")


async def test_opening_needs_no_network_and_gives_the_same_model_again(tmp_path: Path) -> None:
    async with models_of(lab(NOWHERE), tmp_path) as models:
        assert models.open("lab/x") is models.open("lab/x")
        assert models.switch("lab/x").id == models.current == "lab/x"


@pytest.mark.parametrize(
    ("model", "advice"),
    [
        ("anthropic/claude-sonnet-5", "ANTHROPIC_API_KEY"),
        ("openai/gpt-5.5", "OPENAI_API_KEY"),
        ("azure/mine", "AZURE_OPENAI_ENDPOINT"),
        ("vertex/gemini-2.5-flash", "GOOGLE_CLOUD_PROJECT"),
        ("lab/m", "LAB_KEY"),
    ],
)
async def test_an_incomplete_host_names_the_variable_to_set(
    model: str, advice: str, tmp_path: Path
) -> None:
    async with models_of(lab(NOWHERE, 'api_key_env = "LAB_KEY"'), tmp_path) as models:
        with pytest.raises(ConfigurationError, match=advice):
            models.open(model)


async def test_an_incomplete_host_cannot_be_asked_for_models(tmp_path: Path) -> None:
    async with models_of("", tmp_path) as models:
        with pytest.raises(ProviderError, match="GOOGLE_CLOUD_PROJECT"):
            await models.ask("vertex")


@pytest.mark.parametrize("dialect", ["openai-chat", "openai-responses", "anthropic-messages"])
async def test_a_quirk_that_the_dialect_does_not_have_is_named(
    dialect: str, tmp_path: Path
) -> None:
    toml = lab(NOWHERE, "quirks = { color = 1 }").replace("openai-chat", dialect)
    async with models_of(toml, tmp_path) as models:
        with pytest.raises(ConfigurationError, match=r"hosts\.lab.*color"):
            models.open("lab/m")


async def test_the_operators_quirks_override_the_familys_and_the_hosts(tmp_path: Path) -> None:
    more = 'quirks = { effort = { off = { think = "no" }, level_field = "depth" } }'
    async with (
        serving(giving(THOUGHT_AND_ANSWER + END)) as upstream,
        models_of(lab(upstream.url, more), tmp_path) as models,
    ):
        await collect_events(models.open("lab/qwen3-8b"), effort="none")
        assert sent(upstream)["think"] == "no"
        await collect_events(models.open("lab/qwen3-8b"), effort="high")
        assert sent(upstream)["depth"] == "high"
    assert "chat_template_kwargs" not in sent(upstream)


async def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(
    tmp_path: Path,
) -> None:
    table = lab(NOWHERE, 'api_key_env = "LAB_KEY"')
    async with models_of(table, tmp_path, {"LAB_KEY": "half\nother-half"}) as models:
        with pytest.raises(ConfigurationError) as caught:
            models.open("lab/m")
    assert "half" not in caught.value.message


async def test_a_known_host_can_use_another_of_its_dialects(
    tmp_path: Path,
) -> None:
    toml = '[hosts.openai]\ndialect = "openai-chat"\n[hosts.deepseek]\ndialect = "anthropic-messages"\n'
    async with models_of(toml, tmp_path) as models:
        openai, deepseek = models.hosts["openai"].host, models.hosts["deepseek"].host
    assert (openai.dialect, openai.base_url) == ("openai-chat", "https://api.openai.com/v1")
    assert openai.quirks["max_tokens_field"] == "max_completion_tokens"
    assert deepseek.base_url == "https://api.deepseek.com/anthropic"
    assert deepseek.key_style == "x-api-key"


async def test_a_custom_host_at_a_known_address_is_treated_as_that_host(
    tmp_path: Path,
) -> None:
    toml = (
        '[hosts.mine]\ndialect = "openai-chat"\nbase_url = "https://api.deepseek.com"\n'
        '[hosts.other]\ndialect = "openai-chat"\nbase_url = "https://models.example"\n'
    )
    async with models_of(toml, tmp_path) as models:
        assert models.open("mine/deepseek-v4-flash").info.reasoning.efforts == (
            "none",
            "low",
            "high",
            "max",
        )
        assert models.open("other/deepseek-v4-flash").info.reasoning.efforts == ("none", "high")


async def test_a_stream_of_an_opened_model_is_read_by_its_dialect(tmp_path: Path) -> None:
    async with (
        serving(giving(THOUGHT_AND_ANSWER + END)) as upstream,
        models_of(lab(upstream.url), tmp_path) as models,
    ):
        assert texts(await collect_events(models.open("lab/m"))) == ("Hm. ", "Yes.")


async def test_a_silent_host_times_out(tmp_path: Path) -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async with serving(silent) as upstream, models_of(lab(upstream.url), tmp_path) as models:
        with pytest.raises(ProviderError) as caught:
            await models.ask("lab", seconds=0.05)
    assert caught.value.code == "provider_overloaded"
