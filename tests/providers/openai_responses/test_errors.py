"""Errors and model lists of the Responses API."""

import json

import pytest

from tests.corpus import Case, cases
from tests.providers.openai_responses.wire import dialect
from thinkaloud.errors import ProviderError
from thinkaloud.ports.model import ListedModel


def error(status: int, body: object, headers: dict[str, str] | None = None) -> ProviderError:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return dialect().error(status, headers or {}, data)


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (400, "provider_bad_request", False),
        (401, "provider_auth", False),
        (403, "provider_auth", False),
        (404, "provider_bad_request", False),
        (408, "provider_timeout", True),
        (429, "provider_rate_limit", True),
        (500, "provider_overloaded", True),
        (503, "provider_overloaded", True),
        (504, "provider_timeout", True),
        (529, "provider_overloaded", True),
    ],
)
def test_the_status_determines_the_error_code(status: int, code: str, retryable: bool) -> None:
    failure = error(status, {"error": {"message": "No."}})
    assert (failure.code, failure.retryable, failure.status, failure.message) == (
        code,
        retryable,
        status,
        "No.",
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "No.", "type": "invalid_request_error", "code": None}}, "No."),
        ({"code": "invalid-argument", "error": "No."}, "No."),
        ({"detail": "No."}, "No."),
        ({"detail": [{"loc": ["body"], "msg": "No."}]}, "No."),
        ({"message": "No."}, "No."),
        ([{"error": {"message": "No."}}], "No."),
        ({"error": {"message": "Provider returned error", "metadata": {"raw": "No."}}}, "Provider returned error: No."),
        (b"No.", "No."),
        (b"", "The provider responded with HTTP 400."),
    ],
)  # fmt: skip
def test_the_providers_message_is_found_in_every_shape(body: object, message: str) -> None:
    assert error(400, body).message == message


def test_a_message_is_bounded_and_shows_no_key() -> None:
    long = error(400, {"error": {"message": "x" * 9000}})
    assert len(long.message) == 500
    key = error(401, {"error": {"message": "Incorrect API key provided: sk-proj-abc123**XY."}})
    assert key.message.startswith("Incorrect API key provided: [key]")
    assert "abc123" not in key.message


def test_retry_after_is_read_from_headers_and_messages() -> None:
    body = {"error": {"message": "Slow down."}}
    assert error(429, body, {"retry-after": "20"}).retry_after == 20
    assert error(429, body, {"retry-after": "20", "retry-after-ms": "1500"}).retry_after == 1.5
    assert error(429, body, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}).retry_after is None
    assert error(429, {"error": {"message": "Please try again in 20ms."}}).retry_after == 0.02


def test_an_exhausted_quota_is_not_retryable() -> None:
    spent = error(429, {"error": {"message": "No.", "code": "insufficient_quota"}})
    assert (spent.code, spent.retryable) == ("provider_rate_limit", False)


def test_a_wrong_key_is_an_auth_error_whatever_its_status() -> None:
    assert error(400, {"code": "x", "error": "Incorrect API key provided."}).code == "provider_auth"


def test_a_web_page_says_that_the_address_is_wrong_unless_the_server_is_down() -> None:
    page = error(404, b"<!DOCTYPE html><html>secret</html>")
    assert page.code == "provider_bad_request"
    assert "base_url" in page.message
    down = error(502, b"<html>Bad gateway</html>")
    assert (down.code, down.retryable) == ("provider_overloaded", True)
    assert "<" not in down.message


ERRORS = [
    name for name in cases("error-json")
    if name.split("/")[1].startswith(("openai", "azure", "xai", "openrouter", "deepseek"))
]  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_recorded_errors_keep_the_providers_message(name: str) -> None:
    case = Case(name)
    failure = dialect().error(case.meta["status"], {}, case.body)
    body = json.loads(case.body)
    inner = body["error"]
    assert failure.message.startswith(
        (inner if isinstance(inner, str) else inner["message"]).strip()[:400]
    )
    wrong_key = case.meta["status"] == 401 or name == "errors/xai-400-bad-key"
    code = "provider_rate_limit" if case.meta["status"] == 429 else "provider_bad_request"
    assert failure.code == ("provider_auth" if wrong_key else code)


@pytest.mark.parametrize(
    "body",
    [
        {"object": "list", "data": [{"id": "a", "context_length": 1000}, {"id": "b"}, {"x": 1}, 7]},
        {"models": [{"slug": "a", "context_window": 1000}, {"slug": "b", "context_window": -1}]},
        [{"id": "a", "max_model_len": 1000}, {"name": "b"}],
    ],
)
def test_the_models_of_a_host_are_listed(body: object) -> None:
    assert dialect().models_path == "/models"
    assert dialect(models_path=None).models_path is None
    assert dialect().listed(json.dumps(body).encode()) == [ListedModel("a", 1000), ListedModel("b")]


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'"no"', b'{"data": 1}', b"\xff"])
def test_an_invalid_model_list_is_refused(body: bytes) -> None:
    with pytest.raises(ProviderError) as raised:
        dialect().listed(body)
    assert raised.value.code == "provider_bad_request"
