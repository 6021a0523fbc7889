import json

import pytest

from tests.corpus import Case, require_corpus
from thinkaloud.errors import ProviderError
from thinkaloud.ports.model import ListedModel
from thinkaloud.providers.dialects.google_generate import bind
from thinkaloud.providers.target import Target

DIALECT = bind(
    Target(host="google", dialect="google-generate", base_url="https://g.example", model="m")
)


def test_a_wrong_key_is_an_auth_error_though_google_calls_it_a_400() -> None:
    require_corpus()
    error = DIALECT.error(400, {}, Case("errors/google-400-apikey-stream").body)
    assert (error.code, error.status, error.retryable) == ("provider_auth", 400, False)
    assert error.message == "API key not valid. Please pass a valid API key."


def test_a_quota_error_has_its_delay_in_the_body() -> None:
    require_corpus()
    error = DIALECT.error(429, {}, Case("errors/google-429-quota").body)
    assert (error.code, error.retry_after, error.retryable) == ("provider_rate_limit", 48.0, True)
    assert error.message.startswith("You exceeded your current quota")
    assert len(error.message) <= 500


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (401, "provider_auth", False),
        (403, "provider_auth", False),
        (400, "provider_bad_request", False),
        (404, "provider_bad_request", False),
        (408, "provider_timeout", True),
        (429, "provider_rate_limit", True),
        (500, "provider_overloaded", True),
        (503, "provider_overloaded", True),
        (504, "provider_timeout", True),
    ],
)
def test_each_status_has_its_code_and_keeps_the_providers_message(
    status: int, code: str, retryable: bool
) -> None:
    body = json.dumps([{"error": {"code": status, "message": "So it is.", "status": "X"}}])
    error = DIALECT.error(status, {"retry-after": "7"}, body.encode())
    assert (error.code, error.retryable, error.message) == (code, retryable, "So it is.")
    assert error.retry_after == 7.0


@pytest.mark.parametrize("status", [301, 403, 404])
def test_a_web_page_means_that_base_url_is_wrong(status: int) -> None:
    error = DIALECT.error(status, {"content-type": "text/html"}, b"\n<!DOCTYPE html><p>Hi")
    assert error.code == "provider_bad_request"
    assert "base_url" in error.message


def test_a_web_page_of_a_gate_that_counts_requests_is_a_rate_limit() -> None:
    assert DIALECT.error(429, {}, b"<html>Slow down</html>").code == "provider_rate_limit"


def test_a_web_page_of_a_broken_proxy_is_an_overload() -> None:
    error = DIALECT.error(502, {}, b"<html>Bad gateway</html>")
    assert (error.code, error.message) == (
        "provider_overloaded",
        "The provider responded with HTTP 502.",
    )


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[]", b'{"error":[]}', b"[" * 5000])
def test_any_body_can_be_read(body: bytes) -> None:
    assert DIALECT.error(500, {"retry-after": "soon"}, body).code == "provider_overloaded"


def test_keys_are_redacted_in_messages() -> None:
    message = "Bad key AIzaSyA-0123456789abcdef in https://x.example/?key=abc123&alt=sse"
    error = DIALECT.error(400, {}, json.dumps({"error": {"message": message}}).encode())
    assert error.message == "Bad key [redacted] in https://x.example/?key=[redacted]&alt=sse"


def test_the_models_that_generate_are_listed() -> None:
    body = {
        "models": [
            {
                "name": "models/gemini-3-flash",
                "inputTokenLimit": 1048576,
                "supportedGenerationMethods": ["generateContent", "countTokens"],
            },
            {"name": "models/embed", "supportedGenerationMethods": ["embedContent"]},
        ]
    }
    assert DIALECT.models_path == "/v1beta/models?pageSize=1000"
    assert DIALECT.listed(json.dumps(body).encode()) == [
        ListedModel(name="gemini-3-flash", max_tokens=1048576)
    ]


def test_an_invalid_model_list_is_reported() -> None:
    with pytest.raises(ProviderError) as raised:
        DIALECT.listed(b"<html>")
    assert raised.value.code == "provider_bad_request"
