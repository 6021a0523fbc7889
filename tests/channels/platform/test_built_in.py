"""The built-in chat platforms, and the error if their library is missing."""

import pytest

from tests.channels.platform.scripted import ScriptedPlatform
from tests.harness import FakeClock
from thinkaloud.channels.platform.built_in import (
    BUILT_IN,
    BuiltIn,
    MissingExtra,
    load_platform,
    settings_type,
)
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.platform.platform import PlatformContext
from thinkaloud.channels.platform.sections import read_settings
from thinkaloud.channels.platform.setup import SETUP, secret_variables
from thinkaloud.errors import ConfigurationError


class Unlimited:
    async def spend(
        self, budget: str, chat: ChatAddress | None = None, *, final: bool = False
    ) -> None: ...

    def try_spend(
        self, budget: str, chat: ChatAddress | None = None, *, final: bool = False
    ) -> bool:
        return True


class Nothing:
    async def get(self, key: str) -> bytes | None: ...

    async def put(self, key: str, value: bytes) -> None: ...

    async def delete(self, key: str) -> bool:
        return False


def context(name: str) -> PlatformContext:
    secrets = {"TOKEN": "s3cret-canary"}
    return PlatformContext(
        name=name, environment=secrets, clock=FakeClock(), pace=Unlimited(), storage=Nothing()
    )


TABLE = {
    "scripted": BuiltIn(
        "thinkaloud.channels.platform.settings:PlatformSettings",
        "tests.channels.platform.scripted:ScriptedPlatform",
        "",
    ),
    "bare": BuiltIn("nowhere:X", "a_library_that_is_not_installed:X", "bare"),
}


def test_the_platforms_of_the_contract_are_there() -> None:
    assert set(BUILT_IN) == {
        *("telegram", "slack", "discord", "feishu", "wechat", "wecom", "matrix"),
    }


def test_a_platform_is_created_from_its_settings() -> None:
    settings = settings_type("scripted", TABLE)(allow_from=("ada",))
    platform = load_platform("scripted", TABLE)(settings, context("scripted"))
    assert isinstance(platform, ScriptedPlatform)
    assert platform.settings.allow_from == ("ada",)


def test_a_missing_library_is_an_error_that_says_what_to_install() -> None:
    with pytest.raises(
        MissingExtra,
        match=r"^\w+ is not installed. Run: pip install 'thinkaloud\[bare\]' \(in a checkout: make channels\)",
    ):
        load_platform("bare", TABLE)


def test_a_platform_is_installed_with_its_library_and_without_one_it_always_is() -> None:
    assert BuiltIn("m:S", "m:P", "bare", "a_library_that_is_not_installed").is_installed() is False
    assert BUILT_IN["feishu"].library == ""
    assert BUILT_IN["feishu"].is_installed()


def test_a_platform_that_this_version_does_not_have_is_an_error_of_the_configuration() -> None:
    with pytest.raises(ConfigurationError, match="has no such channel"):
        settings_type("bare", TABLE)


def test_what_a_platform_is_given_does_not_print_secrets() -> None:
    assert "s3cret-canary" not in repr(context("scripted"))


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_steps_of_channels_add_name_the_environment_variables(name: str) -> None:
    required = {"homeserver": "https://example.org", "user_id": "@bot:example.org"}
    given = {key: required.get(key, "x") for key in SETUP[name].asks}
    variables = secret_variables(read_settings(name, given)).values()
    assert [each for each in variables if each not in " ".join(SETUP[name].steps)] == []
