"""Opening chat platforms from the configuration, with their state in the data directory."""

from pathlib import Path

import pytest

from tests.channels.platform.clocks import settle
from tests.channels.platform.scripted import message
from thinkaloud.app.channel_checks import check_channels
from thinkaloud.app.chat_platforms import open_channel_state, open_platforms
from thinkaloud.app.runtime import Choices, open_runtime
from thinkaloud.channels.platform.built_in import BuiltIn
from thinkaloud.channels.platform.pairing import Pairings
from thinkaloud.channels.platform.sections import InvalidSetting, read_settings
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.config import ChannelsSection, Configuration, Settings, load
from thinkaloud.errors import ConfigurationError
from thinkaloud.ports.clock import SystemClock
from thinkaloud.providers.scripted import ScriptedModel, say

SETTINGS = "thinkaloud.channels.platform.settings:PlatformSettings"
TABLE = {
    "scripted": BuiltIn(SETTINGS, "tests.channels.platform.scripted:ScriptedPlatform", ""),
    "bare": BuiltIn(SETTINGS, "a_library_that_is_not_installed:X", "bare"),
}


def configuration(folder: Path, **sections: PlatformSettings) -> Configuration:
    settings = Settings(channels=ChannelsSection(platforms=dict(sections)))
    return Configuration(settings, None, folder, {})


@pytest.mark.parametrize(
    ("section", "key", "words"),
    [
        ({"thinkng": "off"}, "channels.scripted.thinkng", "Did you mean thinking?"),
        ({"thinking": "sometimes"}, "channels.scripted.thinking", "off, live, folded, on_request"),
        ({"allow_from": {"a": 1}}, "channels.scripted.allow_from", "Expected"),
        ("on", "channels.scripted", "Expected"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(
    section: object, key: str, words: str
) -> None:
    with pytest.raises(InvalidSetting) as caught:
        read_settings("scripted", section, TABLE)
    assert caught.value.key == key
    assert words in caught.value.message


def test_a_channel_with_a_typing_mistake_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    file = tmp_path / "thinkaloud.toml"
    file.write_text("[channels.telgram]\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"Did you mean telegram\?"):
        load(file, environment={})


def test_ids_may_be_numbers_and_a_single_one() -> None:
    settings = read_settings("scripted", {"allow_from": [42, "7"], "allow_groups": "-100"}, TABLE)
    assert (settings.allow_from, settings.allow_groups) == (("42", "7"), ("-100",))


async def test_a_missing_library_fails_its_own_channel_only(tmp_path: Path) -> None:
    configured = configuration(
        tmp_path,
        bare=PlatformSettings(),
        scripted=PlatformSettings(allow_from=("*",)),
        off=PlatformSettings(enabled=False),
    )
    choices = Choices(model=ScriptedModel([say("Hello")]), tools=())
    async with (
        open_runtime(configured, choices) as runtime,
        open_platforms(runtime, TABLE) as platforms,
    ):
        bare, scripted = platforms.channels
        while bare.status.condition == "starting" or scripted.status.condition == "starting":
            await settle()
        assert (bare.status.condition, scripted.status.condition) == ("failed", "running")
        assert "pip install 'thinkaloud[bare]'" in bare.status.detail
        await scripted.inbox.receive(message("Hi"))
        await scripted.quiet()
        assert await runtime.store.conversation("local", "scripted:ada") is not None


async def test_a_damaged_state_of_the_channels_leaves_the_server_working(tmp_path: Path) -> None:
    (tmp_path / "channels.db").write_bytes(b"this is not a database" * 100)
    settings = configuration(tmp_path, scripted=PlatformSettings(allow_from=("*",)))
    async with (
        open_runtime(settings, Choices(model=ScriptedModel())) as runtime,
        open_platforms(runtime, TABLE) as platforms,
    ):
        (status,) = platforms.statuses()
        assert (status.name, status.condition) == ("scripted", "failed")
        assert "channels.db" in status.detail


async def test_a_code_is_approved_by_another_process_while_the_server_runs(tmp_path: Path) -> None:
    configured = configuration(tmp_path, scripted=PlatformSettings())
    choices = Choices(model=ScriptedModel([say("Hello")]), tools=())
    async with (
        open_runtime(configured, choices) as runtime,
        open_platforms(runtime, TABLE) as platforms,
        open_channel_state(configured) as state,
    ):
        (channel,) = platforms.channels
        while channel.status.condition == "starting":
            await settle()
        await channel.inbox.receive(message("Let me in", "1"))
        pairings = Pairings(state, SystemClock())
        (pending,) = await pairings.pending()
        await pairings.approve(pending.code)
        await channel.inbox.receive(message("Hi", "2"))
        await channel.quiet()
        assert await runtime.store.conversation("local", "scripted:ada") is not None


async def test_every_enabled_platform_is_checked_and_a_broken_one_says_what_to_do(
    tmp_path: Path,
) -> None:
    configured = configuration(tmp_path, bare=PlatformSettings(), scripted=PlatformSettings())
    bare, scripted = await check_channels(configured, table=TABLE)
    assert (bare.ok, scripted.ok) == (False, True)
    assert "pip install 'thinkaloud[bare]'" in bare.checks[0].detail
    assert [(check.name, check.ok) for check in scripted.checks] == [("token", True)]


@pytest.mark.parametrize(
    ("channel", "name", "known"),
    [
        ("telegram", "@ada", "1"),
        ("slack", "ada", "U0ADA"),
        ("discord", "ada#1234", "600000000000000101"),
        ("feishu", "ada@example.org", "ou_ada"),
        ("matrix", "ada", "@ada:example.org"),
    ],
)
async def test_a_name_in_place_of_an_id_in_allow_from_fails_the_check(
    tmp_path: Path, channel: str, name: str, known: str
) -> None:
    section = PlatformSettings(allow_from=("*", known, name))
    table = {channel: TABLE["scripted"]}
    (report,) = await check_channels(configuration(tmp_path, **{channel: section}), table=table)
    (check,) = [each for each in report.checks if not each.ok]
    assert check.name == "allow_from"
    assert check.detail.startswith(f"{name} can never match")
