"""Errors and model lists of the Messages API."""

import pytest

from tests.corpus import require_corpus
from tests.providers.anthropic_messages.wires import target
from thinkaloud.errors import ProviderError
from thinkaloud.ports.model import ListedModel
from thinkaloud.providers.dialects.anthropic_messages import bind

DIALECT = bind(target())


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (400, "provider_bad_request", False),
        (401, "provider_auth", False),
        (403, "provider_auth", False),
        (404, "provider_bad_request", False),
        (408, "provider_timeout", True),
        (413, "provider_bad_request", False),
        (429, "provider_rate_limit", True),
        (500, "provider_overloaded", True),
        (504, "provider_timeout", True),
        (529, "provider_overloaded", True),
    ],
)
def test_the_status_determines_the_error_code(status: int, code: str, retryable: bool) -> None:
    error = DIALECT.error(status, {}, b'{"type":"error","error":{"type":"t","message":"so"}}')
    assert (error.code, error.retryable, error.status, error.message) == (
        code,
        retryable,
        status,
        "so",
    )


@pytest.mark.parametrize(
    "body",
    [
        b'{"type":"error","error":{"type":"x","message":"the words"}}',
        b'{"error":{"code":"401","message":"the words"}}',
        b'[{"error":{"code":400,"message":"the words","status":"INVALID"}}]',
        b'{"message":"the words"}',
        b'{"Message":"the words"}',
        b'{"error":"the words"}',
        b'{"detail":"the words","error":null}',
        b" the words ",
    ],
)
def test_the_providers_message_is_found_in_every_shape(body: bytes) -> None:
    assert DIALECT.error(400, {}, body).message == "the words"


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"error":{}}', b'{"error":[1]}', b'{"message":5}']
)
def test_an_error_without_a_message_gets_one(body: bytes) -> None:
    assert DIALECT.error(500, {}, body).message


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("1.5", 1.5), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("nan", None), ("", None)],
)
def test_retry_after_is_read_in_seconds(value: str, seconds: float | None) -> None:
    assert DIALECT.error(429, {"retry-after": value}, b"{}").retry_after == seconds


def test_a_web_page_means_a_wrong_address_unless_the_server_is_down() -> None:
    wrong = DIALECT.error(404, {}, b"\n<!DOCTYPE html><html>secret markup")
    assert wrong.code == "provider_bad_request"
    assert "base_url" in wrong.message
    assert "markup" not in wrong.message
    assert DIALECT.error(502, {}, b"<html>").code == "provider_overloaded"
    assert "base_url" not in DIALECT.error(502, {}, b"<html>").message


def test_no_message_contains_a_key_and_all_are_bounded() -> None:
    body = b'{"error":{"message":"bad key sk-ant-api03-abcdefgh, Bearer abcdefghij %s"}}' % (
        b"x" * 900
    )
    message = DIALECT.error(401, {}, body).message
    assert "abcdefgh" not in message
    assert len(message) <= 500


@pytest.mark.parametrize(
    ("case", "status", "code", "words"),
    [
        (
            "anthropic-400-effort-xhigh-unsupported",
            400,
            "provider_bad_request",
            "effort level 'xhigh'",
        ),
        ("anthropic-401-stream", 401, "provider_auth", "invalid x-api-key"),
        ("azure-401", 401, "provider_auth", "invalid subscription key"),
        ("azure-429-rate-limit", 429, "provider_rate_limit", "exceeded rate limit"),
        ("bedrock-503-throttled", 503, "provider_overloaded", "getting throttled"),
    ],
)
def test_recorded_errors_are_read(case: str, status: int, code: str, words: str) -> None:
    body = (require_corpus() / "errors" / case / "response.body").read_bytes()
    error = DIALECT.error(status, {}, body)
    assert error.code == code
    assert words in error.message


def test_models_are_listed() -> None:
    body = b'{"data":[{"id":"a","type":"model","max_input_tokens":200000},{"id":"b"}],"has_more":false}'
    assert DIALECT.models_path == "/v1/models?limit=1000"
    assert DIALECT.listed(body) == [ListedModel("a", 200_000), ListedModel("b")]


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"data":[{}]}', b'{"models":[]}'])
def test_an_invalid_model_list_is_refused(body: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        DIALECT.listed(body)
    assert caught.value.code == "provider_bad_request"
