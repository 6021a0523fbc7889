"""Requests to Vertex AI carry a token that google-auth got for a service account."""

import json
from pathlib import Path

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from tests.providers.upstream import Upstream, collect_events, failure, models_of, serving

TOKEN = "ya29.token-of-the-test"
MODEL = "vertex/gemini-2.5-flash"


async def cloud(request: web.Request) -> web.StreamResponse:
    """Give a token to a service account, and refuse the model's request, quoting the token."""
    if request.path == "/token":
        return web.json_response(
            {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}
        )
    message = f"no access with {request.headers.get('Authorization')}"
    return web.json_response({"error": {"code": 403, "message": message}}, status=403)


PROJECT = {"GOOGLE_CLOUD_PROJECT": "p-1"}


def account(folder: Path, upstream: Upstream) -> str:
    """Write the file of a service account and return its name."""
    key = generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    file = folder / "account.json"
    content = {
        "type": "service_account",
        "client_email": "me@p-1.iam.example",
        "private_key": pem,
        "private_key_id": "1",
        "project_id": "p-1",
        "token_uri": f"{upstream.url}/token",
    }
    file.write_text(json.dumps(content), encoding="utf-8")
    return str(file)


async def test_a_token_is_fetched_once_sent_with_each_request_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(cloud) as upstream:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", account(tmp_path, upstream))
        toml = f'[hosts.vertex]\nbase_url = "{upstream.url}"\n'
        async with models_of(toml, tmp_path, PROJECT) as models:
            failed = failure(await collect_events(models.open(MODEL)))
            await collect_events(models.open(MODEL))
        paths = [request.path for request in upstream.requests]
        sent = [request.headers.get("Authorization") for request in upstream.requests]
    place = "/v1/projects/p-1/locations/global/publishers/google/models/gemini-2.5-flash"
    assert paths == ["/token", *[f"{place}:streamGenerateContent"] * 2]
    assert sent[1:] == [f"Bearer {TOKEN}"] * 2
    assert failed.code == "provider_auth"
    assert "no access" in failed.message
    assert TOKEN not in failed.message


async def test_unreadable_credentials_are_an_error_with_a_solution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    async with serving(cloud) as upstream:
        toml = f'[hosts.vertex]\nbase_url = "{upstream.url}"\n'
        async with models_of(toml, tmp_path, PROJECT) as models:
            failed = failure(await collect_events(models.open(MODEL)))
        assert upstream.requests == []
    assert failed.code == "provider_auth"
    assert "GOOGLE_APPLICATION_CREDENTIALS" in failed.message
