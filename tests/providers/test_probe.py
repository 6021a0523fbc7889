"""A probe reports whether a host responds, accepts the key, and shows reasoning."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from tests.harness import FakeClock
from tests.providers.upstream import END, THOUGHT_AND_ANSWER, lab, models_of, sent, serving
from thinkaloud.providers.probe import probe

LIST = {"data": [{"id": "qwen3-8b"}, {"id": "gpt-5"}]}
COUNTED = (
    b'data: {"choices":[{"delta":{"content":"0.05"},"finish_reason":"stop"}],"usage":'
    b'{"prompt_tokens":9,"completion_tokens":40,'
    b'"completion_tokens_details":{"reasoning_tokens":32}}}\n\ndata: [DONE]\n\n'
)
PLAIN = b'data: {"choices":[{"delta":{"content":"0.05"}}]}\n\n' + END


def host(stream: bytes, key: str | None = None):
    """Answer as a host that lists two models and streams this."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if key is not None and request.headers.get("Authorization") != f"Bearer {key}":
            return web.json_response({"error": {"message": "no such key"}}, status=401)
        if request.method == "GET":
            return web.json_response(LIST)
        return web.Response(body=stream, headers={"Content-Type": "text/event-stream"})

    return answer


async def test_a_probe_measures_reasoning_text(tmp_path: Path) -> None:
    async with (
        serving(host(THOUGHT_AND_ANSWER + END)) as upstream,
        models_of(lab(upstream.url), tmp_path) as models,
    ):
        found = await probe(models, "lab", "qwen3-8b", clock=FakeClock())
        assert sent(upstream)["max_tokens"] == 2048
    assert (found.reachable, found.key, found.models) == (True, "not_needed", ("qwen3-8b", "gpt-5"))
    assert found.model is not None
    assert (found.model.answered, found.model.reasoning) == (True, "text")
    reasoned, answered = found.model.time_to_first_reasoning_ms, found.model.time_to_first_answer_ms
    assert reasoned is not None
    assert answered is not None
    assert 0 < reasoned < answered < found.model.total_ms


@pytest.mark.parametrize(
    ("stream", "seen", "tokens"), [(COUNTED, "count", 32), (PLAIN, "nothing", None)]
)
async def test_hidden_reasoning_is_distinguished_from_none(
    stream: bytes, seen: str, tokens: int | None, tmp_path: Path
) -> None:
    async with serving(host(stream)) as upstream, models_of(lab(upstream.url), tmp_path) as models:
        found = await probe(models, "lab", "gpt-5", clock=FakeClock())
    assert found.model is not None
    assert (found.model.reasoning, found.model.reasoning_tokens) == (seen, tokens)
    assert found.model.time_to_first_reasoning_ms is None


@pytest.mark.parametrize(("held", "key"), [("right", "accepted"), ("wrong", "refused")])
async def test_a_key_is_accepted_or_refused(held: str, key: str, tmp_path: Path) -> None:
    async with serving(host(PLAIN, "right")) as upstream:
        table = lab(upstream.url, 'api_key_env = "LAB_KEY"')
        async with models_of(table, tmp_path, {"LAB_KEY": held}) as models:
            found = await probe(models, "lab", clock=FakeClock())
    assert (found.reachable, found.key) == (True, key)
    assert (found.problem is None) == (key == "accepted")
    assert found.model is None


async def test_a_missing_key_is_reported_without_a_request(tmp_path: Path) -> None:
    async with models_of("", tmp_path) as models:
        found = await probe(models, "openai", "gpt-5", clock=FakeClock())
    assert (found.key, found.problem) == ("missing", "Set OPENAI_API_KEY.")


async def test_a_missing_host_is_unreachable(tmp_path: Path) -> None:
    async with models_of(lab("http://127.0.0.1:9"), tmp_path) as models:
        found = await probe(models, "lab", "m", clock=FakeClock())
    assert not found.reachable
    assert found.model is None
    assert found.problem is not None


async def test_a_host_without_a_model_list_is_probed_by_its_response(tmp_path: Path) -> None:
    async with serving(host(PLAIN, "right")) as upstream:
        toml = f'[hosts.perplexity]\nbase_url = "{upstream.url}"\n'
        async with models_of(toml, tmp_path, {"PERPLEXITY_API_KEY": "right"}) as models:
            unasked = await probe(models, "perplexity", clock=FakeClock())
            asked = await probe(models, "perplexity", "sonar", clock=FakeClock())
    assert (unasked.reachable, unasked.key) == (False, "unknown")
    assert (asked.reachable, asked.key) == (True, "accepted")


async def test_a_failing_model_is_a_finding_and_not_an_error(tmp_path: Path) -> None:
    async with (
        serving(host(THOUGHT_AND_ANSWER)) as upstream,
        models_of(lab(upstream.url), tmp_path) as models,
    ):
        async with asyncio.timeout(30):
            found = await probe(models, "lab", "qwen3-8b", clock=FakeClock())
    assert found.model is not None
    assert not found.model.answered
    assert found.model.reasoning == "text"
    assert found.model.problem
