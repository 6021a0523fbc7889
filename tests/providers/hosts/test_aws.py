"""Requests to Bedrock carry a signature that AWS's own rules accept."""

import hashlib
import hmac
from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp import web

from tests.providers.upstream import collect_events, failure, giving, models_of, serving
from thinkaloud.errors import ConfigurationError
from thinkaloud.ports.model import HttpRequest
from thinkaloud.providers.hosts.aws import connect

KEY_ID = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": KEY_ID,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_SESSION_TOKEN": "session-token",
    "AWS_REGION": "eu-west-1",
}
MODEL = "bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0"
DENIED = giving(b'{"message":"denied"}', 403, "application/json")


def signature(request: web.Request, body: bytes) -> str:
    """Compute the signature of a request as received, from the published rules alone."""
    scope, signed, _ = (
        request.headers["Authorization"].removeprefix("AWS4-HMAC-SHA256 ").split(", ")
    )
    _, day, region, service, _ = scope.removeprefix("Credential=").split("/")
    names = signed.removeprefix("SignedHeaders=").split(";")
    headers = "".join(f"{name}:{request.headers[name].strip()}\n" for name in names)
    path = quote(request.raw_path, safe="/-_.~")
    digest = hashlib.sha256(body).hexdigest()
    canonical = f"{request.method}\n{path}\n\n{headers}\n{';'.join(names)}\n{digest}"
    text = "\n".join(
        (
            "AWS4-HMAC-SHA256",
            request.headers["X-Amz-Date"],
            f"{day}/{region}/{service}/aws4_request",
            hashlib.sha256(canonical.encode()).hexdigest(),
        )
    )
    key = f"AWS4{SECRET}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, text.encode(), "sha256").hexdigest()


async def test_a_request_without_a_key_is_signed(tmp_path: Path) -> None:
    async with serving(DENIED) as upstream:
        toml = f'[hosts.bedrock]\nbase_url = "{upstream.url}"\n'
        async with models_of(toml, tmp_path, ENVIRONMENT) as models:
            failed = failure(await collect_events(models.open(MODEL), "Grüße"))
        [request] = upstream.requests
    assert failed.code == "provider_auth"
    authorization = request.headers["Authorization"]
    assert f"Credential={KEY_ID}/" in authorization
    assert "/eu-west-1/bedrock/aws4_request" in authorization
    assert authorization.endswith(f"Signature={signature(request, upstream.bodies[0])}")
    assert request.headers["X-Amz-Security-Token"] == "session-token"
    assert request.raw_path.endswith("-v1%3A0/converse-stream")


async def test_a_bearer_token_of_bedrock_needs_no_signature(tmp_path: Path) -> None:
    async with serving(DENIED) as upstream:
        toml = f'[hosts.bedrock]\nbase_url = "{upstream.url}"\n'
        environment = {**ENVIRONMENT, "AWS_BEARER_TOKEN_BEDROCK": "token"}
        async with models_of(toml, tmp_path, environment) as models:
            await collect_events(models.open(MODEL))
        [request] = upstream.requests
    assert request.headers["Authorization"] == "Bearer token"


async def test_a_secret_that_is_quoted_is_left_out_of_the_message(tmp_path: Path) -> None:
    quoting = giving(f'{{"message":"bad secret {SECRET}"}}'.encode(), 403, "application/json")
    async with serving(quoting) as upstream:
        toml = f'[hosts.bedrock]\nbase_url = "{upstream.url}"\n'
        async with models_of(toml, tmp_path, ENVIRONMENT) as models:
            failed = failure(await collect_events(models.open(MODEL)))
    assert "bad secret" in failed.message
    assert SECRET not in failed.message


async def test_an_address_without_a_region_needs_one_from_the_environment(tmp_path: Path) -> None:
    toml = '[hosts.bedrock]\nbase_url = "https://bedrock.inside.example"\n'
    async with models_of(toml, tmp_path) as models:
        with pytest.raises(ConfigurationError, match="AWS_REGION"):
            models.open(MODEL)


async def test_a_profile_that_does_not_exist_is_a_failure_that_says_what_to_set(
    tmp_path: Path,
) -> None:
    async with serving(DENIED) as upstream:
        toml = f'[hosts.bedrock]\nbase_url = "{upstream.url}"\n'
        environment = {"AWS_REGION": "eu-west-1", "AWS_PROFILE": "no-such-profile-here"}
        async with models_of(toml, tmp_path, environment) as models:
            failed = failure(await collect_events(models.open(MODEL)))
        assert upstream.requests == []
    assert failed.code == "provider_auth"
    assert "AWS_ACCESS_KEY_ID" in failed.message


async def test_a_custom_host_at_awss_address_is_signed_for_its_region(tmp_path: Path) -> None:
    toml = (
        '[hosts.mine]\ndialect = "bedrock-converse"\n'
        'base_url = "https://bedrock-runtime.eu-west-3.amazonaws.com"\n'
    )
    async with models_of(toml, tmp_path, ENVIRONMENT) as models:
        assert models.hosts["mine"].host.credentials == "aws"
        assert models.open("mine/us.amazon.nova-2-lite-v1:0").info.reasoning.supported


@pytest.mark.parametrize(
    ("base_url", "region"),
    [
        ("https://bedrock-runtime.eu-west-3.amazonaws.com", "eu-west-3"),
        ("https://bedrock-runtime.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("https://bedrock.inside.example", "ap-south-1"),
    ],
)
async def test_the_signature_prefers_the_addresss_region_to_the_environments(
    base_url: str, region: str
) -> None:
    signing = connect(base_url, {**ENVIRONMENT, "AWS_REGION": "ap-south-1"})
    headers = await signing.headers(HttpRequest("/model/m/converse", b"{}"), base_url + "/model/m")
    assert f"/{region}/bedrock/aws4_request" in headers["Authorization"]
