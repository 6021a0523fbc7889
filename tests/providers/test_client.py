"""Whatever a provider does wrong becomes a typed failure, and the output so far is kept."""

import asyncio
import gzip
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest
from aiohttp import web

from tests.providers.upstream import (
    END,
    THOUGHT_AND_ANSWER,
    Answer,
    collect_events,
    cut,
    failure,
    giving,
    lab,
    models_of,
    serving,
    streaming,
    texts,
)
from thinkaloud.events.model import ModelFailed, ModelFinished
from thinkaloud.events.prompt import ModelRequest, UserTurn

KEY = "a hush-17 of our own form"
PAGE = b"<!DOCTYPE html><html><body>Sign in</body></html>"


async def called(answer: Answer, folder: Path) -> list[object]:
    """Call a model of a provider that answers so, and return its events.

    They are the same for a run with hooks, which pulls them, and for one to which they are pushed.
    """
    async with serving(answer) as upstream, models_of(lab(upstream.url), folder) as models:
        pulled = await collect_events(models.open("lab/m"), pushed=False)
        pushed = await collect_events(models.open("lab/m"))
    assert pushed == pulled
    return list(pushed)


def words(events: list[object]) -> tuple[str, str]:
    return texts(events)  # type: ignore[arg-type]


def end(events: list[object]) -> ModelFailed:
    return failure(events)  # type: ignore[arg-type]


async def test_a_complete_stream_finishes(tmp_path: Path) -> None:
    events = await called(giving(THOUGHT_AND_ANSWER + END), tmp_path)
    assert words(events) == ("Hm. ", "Yes.")
    assert isinstance(events[-1], ModelFinished)


@pytest.mark.parametrize(
    ("answer", "code", "retryable"),
    [
        (
            giving(b'{"error":{"message":"bad key"}}', 401, "application/json"),
            "provider_auth",
            False,
        ),
        (
            giving(b'{"error":{"message":"slow"}}', 429, "application/json"),
            "provider_rate_limit",
            True,
        ),
        (
            giving(b'{"error":{"message":"oh"}}', 500, "application/json"),
            "provider_overloaded",
            True,
        ),
        (giving(PAGE, 502, "text/html"), "provider_overloaded", True),
        (giving(PAGE, 200, "text/html"), "provider_bad_request", False),
        (giving(PAGE, 404, "text/html"), "provider_bad_request", False),
        (
            giving(b'{"error":{"message":"no"}}', 400, "application/json"),
            "provider_bad_request",
            False,
        ),
    ],
    ids=["401", "429", "500", "page with 502", "page with 200", "page with 404", "400"],
)
async def test_an_error_response_is_mapped_to_its_code(
    answer: Answer, code: str, retryable: bool, tmp_path: Path
) -> None:
    failed = end(await called(answer, tmp_path))
    assert (failed.code, failed.retryable) == (code, retryable)
    assert "<" not in failed.message


async def test_a_rate_limit_has_its_retry_after(tmp_path: Path) -> None:
    refusing = giving(b"{}", 429, "application/json", {"Retry-After": "7"})
    assert end(await called(refusing, tmp_path)).retry_after == 7


@pytest.mark.parametrize(
    ("broken", "kept"),
    [
        (b'data: {"choices":[{"delta":{"content":"\xff\xfe"}}]}\n\n', "Yes."),
        (b'data: {"choices":[{"delta":{"content":\n\n', "Yes."),
        (b"", "Yes."),
    ],
    ids=["invalid UTF-8", "malformed JSON", "no end marker"],
)
async def test_a_broken_stream_is_a_failure_and_its_output_is_kept(
    broken: bytes, kept: str, tmp_path: Path
) -> None:
    events = await called(giving(THOUGHT_AND_ANSWER + broken), tmp_path)
    reasoning, answer = words(events)
    assert (reasoning, answer[: len(kept)]) == ("Hm. ", kept)
    assert end(events).code in {"provider_stream_cut", "provider_bad_request"}


async def wait(request: web.Request) -> None:
    await asyncio.Event().wait()


async def test_a_lost_connection_is_a_cut_stream_with_the_earlier_output(tmp_path: Path) -> None:
    events = await called(streaming(THOUGHT_AND_ANSWER, then=cut), tmp_path)
    assert words(events) == ("Hm. ", "Yes.")
    assert (end(events).code, end(events).retryable) == ("provider_stream_cut", True)


async def test_a_connection_lost_after_the_end_has_finished(tmp_path: Path) -> None:
    events = await called(streaming(THOUGHT_AND_ANSWER + END, then=cut), tmp_path)
    assert isinstance(events[-1], ModelFinished)


async def test_a_provider_that_stays_connected_after_the_end_is_not_awaited(tmp_path: Path) -> None:
    async with asyncio.timeout(20):
        events = await called(streaming(THOUGHT_AND_ANSWER + END, then=wait), tmp_path)
    assert isinstance(events[-1], ModelFinished)


async def test_a_missing_server_is_reported_as_unreachable(tmp_path: Path) -> None:
    async with serving(giving(b"")) as upstream:
        gone = upstream.url.replace("http://", "http://me:hush@")
    async with models_of(lab(gone), tmp_path) as models:
        failed = failure(await collect_events(models.open("lab/m")))
    assert (failed.code, failed.retryable) == ("provider_overloaded", True)
    assert upstream.url in failed.message
    assert "hush" not in failed.message


async def test_a_redirect_is_not_followed_and_names_the_base_url(tmp_path: Path) -> None:
    moved = giving(b"", 307, headers={"Location": "/elsewhere"})
    async with serving(moved) as upstream, models_of(lab(upstream.url), tmp_path) as models:
        failed = failure(await collect_events(models.open("lab/m")))
        assert len(upstream.requests) == 1
    assert failed.code == "provider_bad_request"
    assert "base_url" in failed.message


async def test_a_stream_with_a_wrong_content_type_is_read(tmp_path: Path) -> None:
    mislabeled = giving(THOUGHT_AND_ANSWER + END, content_type="application/octet-stream")
    assert words(await called(mislabeled, tmp_path)) == ("Hm. ", "Yes.")


async def test_compression_is_not_requested_but_understood(tmp_path: Path) -> None:
    packed = gzip.compress(THOUGHT_AND_ANSWER + END)
    zipped = giving(packed, headers={"Content-Encoding": "gzip"})
    async with serving(zipped) as upstream, models_of(lab(upstream.url), tmp_path) as models:
        assert texts(await collect_events(models.open("lab/m"))) == ("Hm. ", "Yes.")
        assert upstream.requests[0].headers["Accept-Encoding"] == "identity"


async def test_invalid_compression_is_a_cut_stream(tmp_path: Path) -> None:
    lying = giving(THOUGHT_AND_ANSWER, headers={"Content-Encoding": "gzip"})
    assert end(await called(lying, tmp_path)).code in {"provider_stream_cut", "provider_overloaded"}


async def test_leaving_a_stream_closes_the_connection_to_the_provider(tmp_path: Path) -> None:
    endless = streaming(THOUGHT_AND_ANSWER, then=wait)
    async with serving(endless) as upstream, models_of(lab(upstream.url), tmp_path) as models:
        stream = models.open("lab/m").stream(ModelRequest("m", (UserTurn("Hi"),)))
        async with aclosing(stream):
            await anext(stream)
            assert not upstream.left.is_set()
        async with asyncio.timeout(5):
            await upstream.left.wait()


async def test_cancelling_a_silent_call_closes_the_connection_to_the_provider(
    tmp_path: Path,
) -> None:
    arrived = asyncio.Event()

    async def silent(request: web.Request) -> web.StreamResponse:
        arrived.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with serving(silent) as upstream, models_of(lab(upstream.url), tmp_path) as models:
        async with asyncio.TaskGroup() as tasks:
            call = tasks.create_task(collect_events(models.open("lab/m")))
            await arrived.wait()
            call.cancel()
        async with asyncio.timeout(5):
            await upstream.left.wait()


@pytest.mark.parametrize(
    "answer",
    [
        giving(f'{{"error":{{"message":"wrong key {KEY}"}}}}'.encode(), 401, "application/json"),
        giving(f'data: {{"error":{{"message":"key {KEY} is out of quota"}}}}\n\n'.encode()),
    ],
    ids=["refusal", "in the stream"],
)
async def test_a_key_that_a_provider_quotes_is_left_out_of_the_message(
    answer: Answer, tmp_path: Path
) -> None:
    async with serving(answer) as upstream:
        table = lab(upstream.url, 'api_key_env = "LAB_KEY"')
        async with models_of(table, tmp_path, {"LAB_KEY": KEY}) as models:
            failed = failure(await collect_events(models.open("lab/m")))
    assert "key" in failed.message
    assert KEY not in failed.message


def styled(dialect: str) -> Callable[[str], str]:
    return lambda url: (
        f'[hosts.lab]\ndialect = "{dialect}"\nbase_url = "{url}"\napi_key_env = "LAB_KEY"\n'
        '[hosts.lab.headers]\nX-Team = "blue"\n'
    )


@pytest.mark.parametrize(
    ("dialect", "header", "value"),
    [
        ("openai-chat", "Authorization", f"Bearer {KEY}"),
        ("openai-responses", "Authorization", f"Bearer {KEY}"),
        ("anthropic-messages", "x-api-key", KEY),
        ("google-generate", "x-goog-api-key", KEY),
        ("google-interactions", "x-goog-api-key", KEY),
        ("cohere-chat", "Authorization", f"Bearer {KEY}"),
        ("ollama-chat", "Authorization", f"Bearer {KEY}"),
        ("bedrock-converse", "Authorization", f"Bearer {KEY}"),
    ],
)
async def test_a_key_is_sent_only_in_its_header(
    dialect: str, header: str, value: str, tmp_path: Path
) -> None:
    async with serving(giving(b"{}", 401, "application/json")) as upstream:
        toml = styled(dialect)(upstream.url)
        async with models_of(toml, tmp_path, {"LAB_KEY": KEY}) as models:
            assert failure(await collect_events(models.open("lab/m"))).code == "provider_auth"
        [request] = upstream.requests
    assert request.headers[header] == value
    assert request.headers["X-Team"] == "blue"
    carrying = [name for name, held in request.headers.items() if KEY in held]
    assert carrying == [header]
    assert KEY not in str(request.url)
    assert KEY.encode() not in upstream.bodies[0]


async def test_a_base_url_may_end_in_a_slash_or_have_a_query(tmp_path: Path) -> None:
    async with serving(giving(THOUGHT_AND_ANSWER + END)) as upstream:
        for given in ("/v1/", "/v1", "/v1?api-version=2"):
            async with models_of(lab(upstream.url + given), tmp_path) as models:
                await collect_events(models.open("lab/m"))
        paths = [request.path_qs for request in upstream.requests]
    assert paths == [
        "/v1/chat/completions",
        "/v1/chat/completions",
        "/v1/chat/completions?api-version=2",
    ]


async def test_local_servers_bypass_the_proxy_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert words(await called(giving(THOUGHT_AND_ANSWER + END), tmp_path)) == ("Hm. ", "Yes.")


async def test_a_stream_labeled_as_a_web_page_is_read(tmp_path: Path) -> None:
    mislabeled = giving(THOUGHT_AND_ANSWER + END, content_type="text/html")
    assert words(await called(mislabeled, tmp_path)) == ("Hm. ", "Yes.")


async def test_other_hosts_are_reached_through_the_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(giving(THOUGHT_AND_ANSWER + END)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        async with models_of(lab("http://models.example/v1"), tmp_path) as models:
            assert texts(await collect_events(models.open("lab/m"))) == ("Hm. ", "Yes.")
        [request] = proxy.requests
    assert request.host == "models.example"
