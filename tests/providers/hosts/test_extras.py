"""A cloud host without its extra says what to install; everything else works without it."""

import subprocess
import sys

import pytest

OPENING = """
import sys
for name in {hidden!r}:
    sys.modules[name] = None
from thinkaloud.app.discovery import configured_hosts
from thinkaloud.config import load
from thinkaloud.errors import ConfigurationError
from thinkaloud.ports.clock import SystemClock
from thinkaloud.providers.catalogue import ConfiguredModels
from thinkaloud.providers.client import Sessions
environment = {{"GOOGLE_CLOUD_PROJECT": "p", "AZURE_OPENAI_ENDPOINT": "https://x", **{more!r}}}
hosts = configured_hosts(load(environment=environment))
models = ConfiguredModels(hosts, [], "x/y", Sessions(), SystemClock())
try:
    print(models.open({model!r}).info.id)
except ConfigurationError as error:
    print(error.message)
"""


def opened(model: str, hidden: tuple[str, ...], more: dict[str, str]) -> str:
    """Open a model in an interpreter that lacks some libraries; return its id or the error message."""
    code = OPENING.format(model=model, hidden=hidden, more=more)
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("model", "hidden", "extra"),
    [
        ("bedrock/us.amazon.nova-2-lite-v1:0", "botocore", "thinkaloud[bedrock]"),
        ("vertex/gemini-2.5-flash", "google.auth", "thinkaloud[google]"),
        ("vertex-anthropic/claude-sonnet-4-5@20250929", "google.auth", "thinkaloud[google]"),
        ("azure/gpt-5", "azure.identity", "thinkaloud[azure]"),
    ],
)
def test_a_missing_extra_is_named(model: str, hidden: str, extra: str) -> None:
    assert extra in opened(model, (hidden,), {})


@pytest.mark.parametrize(
    ("model", "hidden", "more"),
    [
        ("bedrock/us.amazon.nova-2-lite-v1:0", "botocore", {"AWS_BEARER_TOKEN_BEDROCK": "t"}),
        ("azure/gpt-5", "azure.identity", {"AZURE_OPENAI_API_KEY": "k"}),
    ],
)
def test_with_a_key_no_extra_is_needed(model: str, hidden: str, more: dict[str, str]) -> None:
    assert opened(model, (hidden,), more) == model
