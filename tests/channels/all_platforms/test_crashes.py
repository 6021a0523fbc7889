"""A crash of the server at any call loses no text in a chat and repeats none."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

import pytest

from tests.channels.all_platforms.crashing import Conversation, CrashDriver
from tests.channels.discord.driver import discord_driver
from tests.channels.feishu.driver import feishu_driver
from tests.channels.platform.driver import DriverSetup
from tests.channels.slack.driver import slack_driver
from tests.channels.telegram.driver import telegram_driver
from tests.channels.wechat.driver import wechat_driver
from tests.channels.wecom.driver import wecom_driver
from thinkaloud.providers.scripted import Script

OPEN: Mapping[str, Callable[[DriverSetup, Script], AbstractAsyncContextManager[CrashDriver]]] = {
    "telegram": telegram_driver,
    "slack": slack_driver,
    "discord": discord_driver,
    "feishu": feishu_driver,
    "wechat": wechat_driver,
    "wecom": wecom_driver,
}
DOUBLES = {"telegram", "wecom"}
"""They have no ids for messages by which they could recognise one that is sent again."""


@pytest.mark.parametrize("platform", OPEN)
async def test_a_crash_before_or_after_any_call_loses_and_repeats_nothing(platform: str) -> None:
    conversation = Conversation(doubles=platform in DOUBLES)
    setup = DriverSetup({"allow_from": ["*"]})
    async with OPEN[platform](setup, conversation.script(0)) as driver:
        assert await conversation.crash_at_each_point(driver) >= 2
