import json

from thinkaloud.ports.model import ListedModel
from thinkaloud.providers.dialects.google_interactions import bind
from thinkaloud.providers.target import Target

DIALECT = bind(
    Target(host="google", dialect="google-interactions", base_url="https://g.example", model="m")
)


def test_an_error_body_is_read_as_googles() -> None:
    body = {"error": {"code": "invalid_request", "message": "Thought signature is not valid."}}
    error = DIALECT.error(400, {}, json.dumps(body).encode())
    assert error.code == "provider_bad_request"
    assert error.message == "Thought signature is not valid."


def test_models_are_listed() -> None:
    assert DIALECT.models_path == "/v1beta/models?pageSize=1000"
    assert DIALECT.listed(b'{"models":[{"name":"models/g","inputTokenLimit":8}]}') == [
        ListedModel(name="g", max_tokens=8)
    ]
