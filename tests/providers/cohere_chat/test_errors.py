import pytest

from tests.corpus import Case, require_corpus
from thinkaloud.errors import ProviderError
from thinkaloud.ports.model import ListedModel
from thinkaloud.providers.dialects.cohere_chat import bind
from thinkaloud.providers.target import Target

DIALECT = bind(
    Target(host="cohere", dialect="cohere-chat", base_url="https://api.cohere.com", model="m")
)


def test_an_oversized_prompt_is_a_bad_request_with_coheres_message() -> None:
    require_corpus()
    error = DIALECT.error(400, {}, Case("errors/cohere-400-too-many-tokens").body)
    assert error.code == "provider_bad_request"
    assert error.message.startswith("too many tokens: size limit exceeded")


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "provider_auth"), (429, "provider_rate_limit"), (503, "provider_overloaded")],
)
def test_a_status_has_its_code(status: int, code: str) -> None:
    error = DIALECT.error(status, {}, b'{"id":"x","message":"said so"}')
    assert (error.code, error.message, error.status) == (code, "said so", status)


def test_models_are_listed() -> None:
    assert DIALECT.models_path == "/v1/models?page_size=1000&endpoint=chat"
    body = b'{"models":[{"name":"a","context_length":256000},{"name":"b"}]}'
    assert DIALECT.listed(body) == [
        ListedModel(name="a", max_tokens=256000),
        ListedModel(name="b"),
    ]
    with pytest.raises(ProviderError):
        DIALECT.listed(b"[]")
