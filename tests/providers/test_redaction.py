"""Secrets in a `base_url` are never shown, logged or stored."""

import base64
import json
import logging
from pathlib import Path

import pytest
from aiohttp import web

from tests.harness import FakeClock
from tests.providers.upstream import (
    Answer,
    collect_events,
    failure,
    giving,
    lab,
    models_of,
    serving,
)
from thinkaloud.errors import ProviderError
from thinkaloud.providers.client import redact_url
from thinkaloud.providers.hosts.host import BuiltInDialect
from thinkaloud.providers.probe import probe
from thinkaloud.providers.target import Target

USER, PASSWORD, KEY = "mallory-7", "s3cr/t p@ss", "k-9f8e7d6c5b"
BASIC = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
QUOTED = "s3cr%2Ft%20p%40ss"
FORMS = {
    "user": USER,
    "password": PASSWORD,
    "escaped": QUOTED,
    "escaped otherwise": QUOTED.lower().replace("%20", "+"),
    "basic": f"Authorization: Basic {BASIC}",
    "query": f"?api-version=2024-10-21&access={KEY}",
    "address": f"http://{USER}:{QUOTED}@127.0.0.1/v1?access={KEY}",
    "in JSON": json.dumps({"url": f"http://{USER}:{QUOTED}@h/v1?access={KEY}"}),
    "cut off": "x" * 490 + KEY,
    "other keys": "http://h/v1?api_key=AbCdEf123&signature=Zz99",
}
SECRETS = (USER, PASSWORD, QUOTED, KEY, BASIC.rstrip("="), KEY[:6], "AbCdEf123", "Zz99")
WIRES: tuple[BuiltInDialect, ...] = (
    "openai-chat",
    "openai-responses",
    "anthropic-messages",
    "google-generate",
    "google-interactions",
    "bedrock-converse",
    "cohere-chat",
    "ollama-chat",
)


def table(url: str, dialect: str = "openai-chat") -> str:
    address = url.replace("//", f"//{USER}:{QUOTED}@")
    return lab(f"{address}?api-version=2024-10-21&access={KEY}").replace("openai-chat", dialect)


def refusal(text: str, status: int = 400) -> Answer:
    body = json.dumps({"error": {"message": text, "code": 400}, "message": text}).encode()
    return giving(body, status, "application/json")


def assert_no_secret(text: str) -> None:
    for secret in SECRETS:
        assert secret.lower() not in text.lower(), secret


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dialect", WIRES)
async def test_an_error_that_quotes_the_base_url_is_reported_without_its_secrets(
    dialect: str, form: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "thinkaloud")
    message = f"denied for {FORMS[form]}"
    environment = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "x"}
    for answer in (
        refusal(message),
        giving(message.encode(), 401, "text/plain"),
        giving(json.dumps({"error": {"message": message}}).encode()),
        giving(f"error: {message}\n\n".encode()),
        giving(message.encode()),
    ):
        async with (
            serving(answer) as upstream,
            models_of(table(upstream.url, dialect), tmp_path, environment) as models,
        ):
            last = failure(await collect_events(models.open("lab/m")))
        assert_no_secret(last.message)
    assert_no_secret(caplog.text)


async def test_useful_details_stay_in_the_message(tmp_path: Path) -> None:
    message = "api-version 2024-10-21 has no deployment gpt-9 for the user of this key"
    async with (
        serving(refusal(message)) as upstream,
        models_of(table(upstream.url), tmp_path) as models,
    ):
        assert failure(await collect_events(models.open("lab/m"))).message == message


@pytest.mark.parametrize("form", FORMS)
async def test_listing_models_and_probing_show_no_secret(form: str, tmp_path: Path) -> None:
    message = f"denied for {FORMS[form]}"
    for answer in (refusal(message, 403), giving(message.encode(), 200, "application/json")):
        async with (
            serving(answer) as upstream,
            models_of(table(upstream.url), tmp_path) as models,
        ):
            with pytest.raises(ProviderError) as caught:
                await models.ask("lab")
            assert_no_secret(f"{caught.value} {caught.value.message} {caught.value!r}")
            assert caught.value.__cause__ is None or KEY not in repr(caught.value.__cause__)
            result = await probe(models, "lab", "m", clock=FakeClock())
            assert_no_secret(repr(result))


async def test_a_host_that_cannot_be_reached_is_named_without_its_secrets(tmp_path: Path) -> None:
    async with models_of(table("http://127.0.0.1:9/v1"), tmp_path) as models:
        last = failure(await collect_events(models.open("lab/m")))
        assert "http://127.0.0.1:9/v1" in last.message
        assert_no_secret(last.message)
        with pytest.raises(ProviderError) as caught:
            await models.ask("lab")
        assert_no_secret(repr(caught.value))


async def test_a_page_and_a_redirect_name_the_address_without_its_secrets(tmp_path: Path) -> None:
    async def elsewhere(request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": str(request.url)})

    page = giving(f"<html>{FORMS['address']}</html>".encode(), 200, "text/html")
    for answer in (elsewhere, page):
        async with (
            serving(answer) as upstream,
            models_of(table(upstream.url), tmp_path) as models,
        ):
            assert_no_secret(failure(await collect_events(models.open("lab/m"))).message)


@pytest.mark.parametrize(
    "base_url",
    [
        "http://u:p@h/v1",
        "http://u:p@ss@h/v1",
        "http://token@h/v1",
        "http://h/v1?key=x",
        "http://h/v1#key=x",
    ],
)
def test_what_is_stored_with_a_response_tells_hosts_apart_without_their_secrets(
    base_url: str,
) -> None:
    origin = Target("lab", "openai-chat", base_url, "m").origin
    assert origin.endpoint.startswith("http://h/v1#")
    assert redact_url(base_url) == "http://h/v1"
    other = Target("lab", "openai-chat", base_url.replace("p", "q").replace("key", "yek"), "m")
    assert other.origin != origin or "p" not in base_url.removeprefix("http")
    plain = Target("lab", "openai-chat", "http://h/v1", "m")
    assert plain.origin.endpoint == "http://h/v1"


async def test_a_key_that_is_truncated_is_redacted_too(tmp_path: Path) -> None:
    key = "quite-a-long-key-of-our-own"
    more = 'api_key_env = "LAB_KEY"'
    async with (
        serving(refusal("x" * 480 + key, 401)) as upstream,
        models_of(lab(upstream.url, more), tmp_path, {"LAB_KEY": key}) as models,
    ):
        message = failure(await collect_events(models.open("lab/m"))).message
    assert "quite" not in message
    assert message.startswith("xxx")
