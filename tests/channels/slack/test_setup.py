"""Setting up the channel: tokens, the manifest of the documentation, and what is imported when."""

import json
import logging
import subprocess
import sys
from collections.abc import AsyncGenerator

import pytest

from scripts.tree import ROOT
from tests.channels.slack.fake.server import APP_TOKEN, BOT_TOKEN, Fault
from tests.channels.slack.harness import (
    EmptyStorage,
    Harness,
    UnlimitedPace,
    answer,
    open_harness,
    receiving,
    thought,
    words,
)
from thinkaloud.channels.platform.errors import Misconfigured, PlatformError
from thinkaloud.channels.platform.platform import PlatformContext
from thinkaloud.channels.slack.checks import REQUIRED, WANTED
from thinkaloud.channels.slack.client import SlackPlatform
from thinkaloud.channels.slack.settings import SlackSettings
from thinkaloud.ports.clock import SystemClock


@pytest.fixture
async def harness() -> AsyncGenerator[Harness]:
    async with open_harness() as harness:
        yield harness


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"SLACK_BOT_TOKEN": BOT_TOKEN}, "SLACK_APP_TOKEN is not set"),
        ({"SLACK_BOT_TOKEN": APP_TOKEN, "SLACK_APP_TOKEN": BOT_TOKEN}, "must start with xoxb-"),
    ],
)
def test_a_missing_or_swapped_token_is_named_and_not_shown(
    environment: dict[str, str], complaint: str
) -> None:
    context = PlatformContext(
        name="slack",
        environment=environment,
        clock=SystemClock(),
        pace=UnlimitedPace(),
        storage=EmptyStorage(),
    )
    with pytest.raises(Misconfigured, match=complaint) as caught:
        SlackPlatform(SlackSettings(), context)
    assert "canary" not in str(caught.value)


async def test_tokens_are_in_no_log_line_no_error_and_no_repr(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    errors: list[str] = []
    for fault in (Fault(502, "down", "text/html"), Fault(hang_up=True), Fault.limited(1)):
        harness.slack.fail("chat.startStream", fault)
        try:
            await harness.show(answer("It "))
        except PlatformError as error:
            errors.append(f"{error!r} {error.__cause__!r} {error.__context__!r}")
        harness.clock.now_ms += 2_000
    async with receiving(harness):
        await harness.slack.drop_sockets()
    shown = f"{errors} {harness.platform!r} {caplog.text}"
    assert len(errors) == 3
    assert "canary" not in shown
    assert "ticket=" not in caplog.text


async def test_the_library_silences_no_logger_but_its_own(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    async with receiving(harness):
        for name in ("thinkaloud", "thinkaloud.channels", "aiohttp", "asyncio"):
            logging.getLogger(name).warning("%s is heard", name)
    assert caplog.text.count("is heard") == 4


@pytest.mark.usefixtures("nonblocking")
async def test_nothing_blocks_the_event_loop(harness: Harness) -> None:
    async with receiving(harness):
        file = harness.people.file("notes.txt", b"six by seven")
        await harness.people.writes("U0ADA", harness.channel, "Read this", files=[file])
        while len(harness.inbox.messages) < 2:
            await harness.processed()
        assert await harness.inbox.messages[-1].files[0].fetch(100) == b"six by seven"
        await harness.show(thought("Hm. So "), answer("It "))
        await harness.finish(thought("Hm. So.", closed=True), answer(words(3_000)))
        assert all(check.ok for check in await harness.platform.check())


def test_the_manifest_of_the_documentation_asks_for_what_the_check_looks_for() -> None:
    path = ROOT / "docs" / "examples" / "channels" / "slack_manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    scopes = set(manifest["oauth_config"]["scopes"]["bot"])
    assert scopes == {*REQUIRED, *WANTED, "commands"}
    page = (ROOT / "docs" / "how-to" / "channels" / "slack.md").read_text(encoding="utf-8")
    events = manifest["settings"]["event_subscriptions"]["bot_events"]
    assert [name for name in (*scopes, *events) if f"`{name}`" not in page] == []


def test_the_settings_and_the_pure_modules_import_no_library_of_slack() -> None:
    modules = ("settings", "read", "plan", "text", "render", "parts", "checks")
    code = "; ".join(f"import thinkaloud.channels.slack.{name}" for name in modules[:-1])
    code += "; import sys; sys.exit(any(name.startswith('slack_') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("method", "place"),
    [
        ("auth.test", "bot token from OAuth & Permissions"),
        ("apps.connections.open", "app-level token from Basic Information"),
    ],
)
async def test_a_token_that_is_not_valid_any_more_says_where_to_copy_it(
    harness: Harness, method: str, place: str
) -> None:
    harness.slack.fail(method, Fault.error("invalid_auth"))
    checks = await harness.platform.check()
    (failed,) = [each for each in checks if not each.ok]
    assert f"(copy the {place} again)" in failed.detail
