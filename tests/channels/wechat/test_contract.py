"""The channel contract suite on WeChat, where bots can't be in groups."""

from contextlib import AbstractAsyncContextManager

from typing_extensions import override

from tests.channels.platform.contract import CANARY, ChannelContract, allowing
from tests.channels.platform.driver import Driver, DriverSetup, text_of, until
from tests.channels.wechat.driver import wechat_driver
from thinkaloud.providers.scripted import Script, say, think


class TestWeChat(ChannelContract):
    @override
    def opened(self, setup: DriverSetup, *scripts: Script) -> AbstractAsyncContextManager[Driver]:
        return wechat_driver(setup, *scripts)

    @override
    async def test_in_a_group_only_an_allowed_person_who_mentions_the_bot_is_answered(self) -> None:
        """Nobody is: a message of a group has no other place to be answered than a direct chat."""
        async with self.opened(allowing(), [think(CANARY), say("Here.")]) as driver:
            await driver.person_says("Hello all", sender=driver.ada, group=True)
            await driver.person_says("Bot?", sender=driver.ada, group=True, mention=True)
            await driver.person_says("Alone?", sender=driver.ada)
            await until(driver, lambda: "Here." in text_of(driver, driver.ada))
            await driver.lab.channel.quiet()
            assert len(driver.lab.model.requests) == 1
            assert not any(CANARY in call for call in driver.traffic())

    @override
    async def test_bots_are_ignored(self) -> None:
        async with self.opened(allowing(), [say("For a person.")]) as driver:
            await driver.person_says("Beep", sender=driver.stranger, is_bot=True)
            await driver.person_says("Hi", sender=driver.ada)
            await until(driver, lambda: "For a person." in text_of(driver, driver.ada))
            await driver.lab.channel.quiet()
            assert len(driver.lab.model.requests) == 1
