import json

import pytest

from tests.corpus import Case, require_corpus
from tests.providers.openai_chat.streams import target
from thinkaloud.errors import ProviderError
from thinkaloud.ports.model import ListedModel
from thinkaloud.providers.dialects.openai_chat import bind


def read(status: int, body: object, **headers: str) -> ProviderError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return bind(target()).error(status, {k.replace("_", "-"): v for k, v in headers.items()}, raw)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "no luck", "type": "x", "code": None}},
        {"error": "no luck", "code": "Client specified an invalid argument"},
        {"object": "error", "message": "no luck", "type": "invalid", "code": "1500"},
        {"code": 400, "message": "no luck", "type": "Bad Request"},
        {"detail": "no luck"},
        {"detail": [{"loc": ["body"], "msg": "no luck", "type": "missing"}]},
        {"message": {"detail": [{"msg": "no luck"}]}},
        {"error": {"error": {"message": "no luck"}}},
        [{"error": {"code": 400, "message": "no luck", "status": "INVALID_ARGUMENT"}}],
        b"no luck",
        "no luck",
    ],
)
def test_the_providers_message_is_found_in_every_shape(body):
    error = read(400, body)
    assert (error.code, error.message, error.status) == ("provider_bad_request", "no luck", 400)
    assert not error.retryable


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (400, "provider_bad_request", False),
        (401, "provider_auth", False),
        (403, "provider_auth", False),
        (404, "provider_bad_request", False),
        (408, "provider_timeout", True),
        (422, "provider_bad_request", False),
        (429, "provider_rate_limit", True),
        (500, "provider_overloaded", True),
        (503, "provider_overloaded", True),
        (504, "provider_timeout", True),
        (529, "provider_overloaded", True),
    ],
)
def test_the_status_determines_the_error_code(status, code, retryable):
    error = read(status, {"error": {"message": "no luck"}})
    assert (error.code, error.retryable, error.status) == (code, retryable, status)
    assert read(status, b"").message


def test_the_message_overrides_the_status_if_it_is_more_specific():
    wrong_key = {"code": "invalid-argument", "error": "Incorrect API key provided."}
    assert read(400, wrong_key).code == "provider_auth"
    quota = {"error": {"message": "no money", "code": "insufficient_quota"}}
    assert not read(429, quota).retryable
    filtered = {"error": {"message": "filtered", "code": "content_filter"}}
    assert read(400, filtered).code == "provider_content_filter"


def test_an_aggregators_upstream_message_is_included():
    metadata = {"raw": "slow down", "provider_name": "Google"}
    body = {"error": {"message": "Provider returned error", "code": 429, "metadata": metadata}}
    assert read(429, body).message == "Provider returned error: slow down"


def test_retry_after_is_read_from_header_and_body():
    assert read(429, b"{}", retry_after="7").retry_after == 7
    assert read(429, b"{}", retry_after_ms="1500").retry_after == 1.5
    assert read(429, b"{}", retry_after="Wed, 21 Oct 2026 07:28:00 GMT").retry_after is None
    delay = {"error": {"message": "x", "details": [{"retryDelay": "48.5s"}, 5]}}
    assert read(429, delay).retry_after == 48.5


@pytest.mark.promise("P7")
def test_keys_are_redacted_and_long_messages_truncated():
    error = read(401, {"error": {"message": "Incorrect key sk-proj-abcdef1234567890 given"}})
    assert error.message == "Incorrect key [redacted] given"
    assert len(read(400, {"error": "x" * 5000}).message) == 500


def test_a_web_page_says_that_the_address_is_wrong():
    page = b"\n<!doctype html><html><title>404</title></html>"
    error = read(404, page)
    assert error.code == "provider_bad_request"
    assert "base_url" in error.message
    assert read(502, page, retry_after="3").code == "provider_overloaded"
    assert read(502, page, retry_after="3").retry_after == 3


FOREIGN = ("anthropic", "bedrock", "cohere")


def logged() -> list[str]:
    folder = require_corpus() / "errors"
    return [p.name for p in sorted(folder.iterdir()) if not p.name.startswith(FOREIGN)]


def test_every_recorded_error_keeps_the_providers_message():
    for name in logged():
        case = Case(f"errors/{name}")
        error = read(case.meta["status"], case.body)
        value = json.loads(case.body)
        inner = value.get("error", value)
        words = inner if isinstance(inner, str) else inner.get("message") or value.get("detail")
        assert error.message.startswith(words[:400]), name
        limited = case.meta["status"] == 429
        auth = case.meta["status"] in (401, 403) or name in (
            "xai-400-bad-key",
            "google-400-apikey-stream",
        )
        code = (
            "provider_rate_limit"
            if limited
            else "provider_auth"
            if auth
            else "provider_bad_request"
        )
        assert error.code == code, name


def test_models_are_listed_with_their_windows():
    dialect = bind(target())
    assert dialect.models_path == "/models"
    rows = [
        {"id": "a", "context_length": 4096},
        {"id": "b", "max_model_len": None},
        {"object": "x"},
    ]
    expected = [ListedModel("a", 4096), ListedModel("b")]
    assert dialect.listed(json.dumps({"object": "list", "data": rows}).encode()) == expected
    assert dialect.listed(json.dumps(rows).encode()) == expected


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"data": 5}', b"5", b"\xff"])
def test_an_invalid_model_list_is_refused(body):
    with pytest.raises(ProviderError) as caught:
        bind(target()).listed(body)
    assert caught.value.code == "provider_bad_request"
