"""All dialects handle the same bad upstreams the same way."""

from pathlib import Path

import pytest

from tests.providers.upstream import (
    Answer,
    collect_events,
    cut,
    failure,
    giving,
    lab,
    models_of,
    serving,
    streaming,
)
from thinkaloud.providers.hosts.host import BUILT_IN_DIALECTS

PAGE = b"<!DOCTYPE html><html><body>Sign in</body></html>"
SAYS = b'{"error":{"message":"said so","type":"x"},"message":"said so"}'
STREAMS = {
    "ollama-chat": "application/x-ndjson",
    "bedrock-converse": "application/vnd.amazon.eventstream",
}


def json(status: int, headers: dict[str, str] | None = None) -> Answer:
    return giving(SAYS, status, "application/json", headers)


BAD: dict[str, tuple[Answer, set[str], bool]] = {
    "401": (json(401), {"provider_auth"}, False),
    "403": (json(403), {"provider_auth"}, False),
    "404": (json(404), {"provider_bad_request"}, False),
    "429": (json(429, {"Retry-After": "7"}), {"provider_rate_limit"}, True),
    "500": (json(500), {"provider_overloaded"}, True),
    "503": (json(503), {"provider_overloaded"}, True),
    "page with 502": (giving(PAGE, 502, "text/html"), {"provider_overloaded"}, True),
    "page with 200": (giving(PAGE, 200, "text/html"), {"provider_bad_request"}, False),
    "redirect": (giving(b"", 302, headers={"Location": "/"}), {"provider_bad_request"}, False),
}


async def failed_with(dialect: str, answer: Answer, folder: Path):
    async with (
        serving(answer) as upstream,
        models_of(lab(upstream.url).replace("openai-chat", dialect), folder) as models,
    ):
        return failure(await collect_events(models.open("lab/m")))


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("dialect", BUILT_IN_DIALECTS)
async def test_a_refusal_has_the_same_code_in_every_dialect(
    dialect: str, bad: str, tmp_path: Path
) -> None:
    answer, codes, retryable = BAD[bad]
    failed = await failed_with(dialect, answer, tmp_path)
    assert failed.code in codes
    assert failed.retryable == retryable
    assert failed.retry_after == (7 if bad == "429" else None)
    assert "<html" not in failed.message


@pytest.mark.parametrize("dialect", BUILT_IN_DIALECTS)
@pytest.mark.parametrize("sent", [b"", b"\n\n: hello\n\n"], ids=["empty", "comments"])
async def test_an_empty_stream_is_a_cut_stream_in_every_dialect(
    dialect: str, sent: bytes, tmp_path: Path
) -> None:
    kind = STREAMS.get(dialect, "text/event-stream")
    body = b"" if dialect in STREAMS else sent
    failed = await failed_with(dialect, giving(body, content_type=kind), tmp_path)
    assert (failed.code, failed.retryable) == ("provider_stream_cut", True)


@pytest.mark.parametrize("dialect", BUILT_IN_DIALECTS)
async def test_a_lost_connection_is_a_cut_stream_in_every_dialect(
    dialect: str, tmp_path: Path
) -> None:
    failed = await failed_with(dialect, streaming(b"\n", then=cut), tmp_path)
    assert (failed.code, failed.retryable) == ("provider_stream_cut", True)


@pytest.mark.parametrize("dialect", BUILT_IN_DIALECTS)
@pytest.mark.parametrize("garbage", [b"\xff\xfe\x00\x01" * 400, b'data: {"a":\n\n{"a":\n' * 40])
async def test_garbage_is_a_failure_in_every_dialect(
    dialect: str, garbage: bytes, tmp_path: Path
) -> None:
    kind = STREAMS.get(dialect, "text/event-stream")
    failed = await failed_with(dialect, giving(garbage, content_type=kind), tmp_path)
    assert failed.code in {"provider_stream_cut", "provider_bad_request"}


@pytest.mark.parametrize("dialect", BUILT_IN_DIALECTS)
async def test_an_unreachable_server_is_the_same_error_in_every_dialect(
    dialect: str, tmp_path: Path
) -> None:
    table = lab("http://127.0.0.1:9").replace("openai-chat", dialect)
    environment = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    async with models_of(table, tmp_path, environment) as models:
        failed = failure(await collect_events(models.open("lab/m")))
    assert (failed.code, failed.retryable) == ("provider_overloaded", True)
    assert "http://127.0.0.1:9" in failed.message
