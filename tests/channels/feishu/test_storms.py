"""Many chats at once stay within Feishu's limits, which the app shares."""

import pytest

from tests.channels.feishu.driver import feishu_driver
from tests.channels.platform.driver import DriverSetup, folded_of, text_of, until
from thinkaloud.providers.scripted import Script, say, think


@pytest.mark.parametrize("count", [150])
async def test_many_people_at_once_are_answered_and_no_limit_is_exceeded(count: int) -> None:
    scripts: list[Script] = [[think(*["Hm. "] * 30), say(*["Yes. "] * 30)] for _ in range(count)]
    async with feishu_driver(DriverSetup({"allow_from": ["*"]}), *scripts) as driver:
        people = driver.people(count)
        for person in people:
            await driver.person_says("Hi", sender=person)
        await until(driver, lambda: all("Yes." in text_of(driver, person) for person in people))
        await driver.lab.channel.quiet()
        for person in people:
            assert text_of(driver, person).count("Yes.") == 30
            assert folded_of(driver, person).count("Hm.") == 30
        assert driver.server.refused == []
        messages = driver.server.chats.messages.values()
        assert [each.reactions for each in messages if each.reactions] == []
