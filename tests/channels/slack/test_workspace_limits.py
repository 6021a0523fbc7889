"""Many chats share the limits of a workspace, with the layer's pacer and a real model."""

import asyncio

from tests.channels.platform.driver import DriverSetup, folded_of, text_of, until
from tests.channels.slack.driver import slack_driver
from tests.channels.slack.fake.server import Fault
from thinkaloud.providers.scripted import Script, Wait, say, think

EVERYBODY = DriverSetup({"allow_from": ["*"]})


async def test_with_more_chats_than_streams_everybody_gets_thought_and_answer() -> None:
    go = asyncio.Event()
    script: Script = [think("Let me see. "), Wait(go), think("Now I know."), say("All good.")]
    async with slack_driver(EVERYBODY, *[script] * 30) as driver:
        people = driver.people(30)
        for person in people:
            await driver.person_says("Hi", sender=person)

        def streams() -> int:
            return sum(method == "chat.startStream" for method, _ in driver.slack.calls)

        # Chats that wait for a stream may get one once another chat's has ended.
        await until(driver, lambda: streams() == 20)
        go.set()
        await until(driver, lambda: all("All good." in text_of(driver, each) for each in people))
        await driver.lab.channel.quiet()
        for person in people:
            assert len(driver.shown(person)) == 1
            assert "Now I know." in folded_of(driver, person)
            assert "Thought for" in text_of(driver, person)


async def test_a_long_run_streams_within_the_limits_and_its_answer_is_complete() -> None:
    steps = [asyncio.Event() for _ in range(8)]
    words = [f"word{number:03} " for number in range(160)]
    script: list[object] = []
    for number, step in enumerate(steps):
        script += [say(*words[number * 20 : number * 20 + 20]), Wait(step)]
    async with slack_driver(EVERYBODY, script) as driver:  # type: ignore[arg-type]
        await driver.person_says("Hi", sender=driver.ada)
        for number, step in enumerate(steps):
            last = words[number * 20 + 19].strip()
            await until(driver, lambda last=last: last in text_of(driver, driver.ada))  # type: ignore[misc]
            step.set()
        await driver.lab.channel.quiet()
        assert text_of(driver, driver.ada).split() == [word.strip() for word in words]
        assert len(driver.shown(driver.ada)) == 1


async def test_when_appending_is_limited_the_answer_still_comes_first() -> None:
    go = asyncio.Event()
    script: Script = [think("Hm. "), Wait(go), say("The answer.")]
    async with slack_driver(EVERYBODY, script) as driver:
        await driver.person_says("Hi", sender=driver.ada)
        await until(driver, lambda: "Hm." in folded_of(driver, driver.ada))
        driver.slack.fail("chat.appendStream", *[Fault.limited(600)] * 50)
        go.set()
        await until(driver, lambda: "The answer." in text_of(driver, driver.ada))
        await driver.lab.channel.quiet()
        assert [each.text for each in driver.shown(driver.ada)] == ["Thought for 1 s\nThe answer."]
