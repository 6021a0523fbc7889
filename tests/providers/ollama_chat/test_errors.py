import pytest

from tests.corpus import Case, require_corpus
from thinkaloud.errors import ProviderError
from thinkaloud.ports.model import ListedModel
from thinkaloud.providers.dialects.ollama_chat import bind
from thinkaloud.providers.target import Target

DIALECT = bind(
    Target(host="ollama", dialect="ollama-chat", base_url="http://localhost:11434", model="m")
)


def test_plain_text_is_an_error_body() -> None:
    error = DIALECT.error(404, {}, b'{"error":"model \'x\' not found"}')
    assert (error.code, error.message) == ("provider_bad_request", "model 'x' not found")


def test_the_cloud_wraps_the_message_in_an_object() -> None:
    require_corpus()
    error = DIALECT.error(400, {}, Case("errors/ollama-cloud-400-prompt-too-long").body)
    assert error.code == "provider_bad_request"
    assert error.message.startswith("prompt too long")


def test_a_busy_server_is_retryable() -> None:
    error = DIALECT.error(503, {"retry-after": "2"}, b'{"error":"server busy"}')
    assert (error.code, error.retryable, error.retry_after) == ("provider_overloaded", True, 2.0)


def test_installed_models_are_listed() -> None:
    assert DIALECT.models_path == "/api/tags"
    assert DIALECT.listed(b'{"models":[{"name":"qwen3:4b","size":1}]}') == [
        ListedModel(name="qwen3:4b")
    ]
    with pytest.raises(ProviderError):
        DIALECT.listed(b"Ollama is running")
