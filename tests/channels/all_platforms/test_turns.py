"""A long answer keeps no other chat waiting while it is rendered."""

from collections.abc import Mapping

import pytest

from tests.channels.all_platforms.turns import MOST_CALLS, most_calls, slow_script
from tests.channels.discord.driver import discord_driver
from tests.channels.feishu.driver import feishu_driver
from tests.channels.platform.driver import DriverSetup, Opens
from tests.channels.slack.driver import slack_driver
from tests.channels.telegram.driver import telegram_driver
from tests.channels.wechat.driver import wechat_driver
from tests.channels.wecom.driver import wecom_driver

OPEN: Mapping[str, Opens] = {
    "telegram": telegram_driver,
    "slack": slack_driver,
    "discord": discord_driver,
    "feishu": feishu_driver,
    "wechat": wechat_driver,
    "wecom": wecom_driver,
}


@pytest.mark.parametrize("platform", OPEN)
async def test_a_slow_text_is_rendered_without_keeping_the_event_loop(platform: str) -> None:
    async with OPEN[platform](DriverSetup({"allow_from": ["*"]}), slow_script()) as driver:
        assert await most_calls(driver) < MOST_CALLS
