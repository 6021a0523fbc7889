"""The channel contract suite: every platform passes it against its own fake server.

In a platform's tests:

    class TestTelegram(ChannelContract):
        def opened(self, setup: DriverSetup, *scripts: Script) -> AbstractAsyncContextManager[Driver]:
            return telegram_driver(setup, *scripts)
"""

import asyncio
from contextlib import AbstractAsyncContextManager

from tests.channels.platform.driver import (
    ADA,
    GROUP,
    Driver,
    DriverSetup,
    folded_of,
    text_of,
    until,
)
from thinkaloud.channels.platform.pairing import Pairings
from thinkaloud.events.model import Reclassified
from thinkaloud.providers.scripted import Cut, Script, Silence, Wait, call_tool, say, think
from thinkaloud.tools.function import tool

CANARY = "canary7f3a91"
HOSTILE = (
    "*bold* _it_ `code` <b>html</b> </details> </think> || spoiler || <@U123> @everyone <!channel>"
    " [x](https://example.org) &amp; ```\nfence"
)


@tool
def look_up(word: str) -> str:
    """Look up a word."""
    return f"{word} is a word"


def allowing(**settings: object) -> DriverSetup:
    return DriverSetup({"allow_from": ["*"], "allow_groups": ["*"], **settings})


class ChannelContract:
    """What people see, whatever the platform."""

    def opened(self, setup: DriverSetup, *scripts: Script) -> AbstractAsyncContextManager[Driver]:
        """Open the platform's driver."""
        raise NotImplementedError

    async def test_an_answer_arrives_and_notifies_once(self) -> None:
        async with self.opened(allowing(), [say("The sky ", "is blue.")]) as driver:
            await driver.person_says("Why?", sender=driver.ada)
            await until(driver, lambda: "The sky is blue." in text_of(driver, driver.ada))
            await driver.lab.channel.quiet()
            shown = driver.shown(driver.ada)
            assert [each.text.strip() for each in shown] == ["The sky is blue."]
            assert folded_of(driver, driver.ada) == ""
            assert [each.notifies for each in shown] == [True]

    async def test_a_thought_is_live_in_one_place_and_folded_when_the_answer_is_there(self) -> None:
        go = asyncio.Event()
        script = [think("Rayleigh ", "scattering"), Wait(go), think(" it is."), say("Blue.")]
        async with self.opened(allowing(), script) as driver:
            await driver.person_says("Why?", sender=driver.ada)
            if driver.live_thoughts:
                await until(driver, lambda: "scattering" in seen(driver))
            go.set()
            await until(driver, lambda: "Blue." in text_of(driver, driver.ada))
            await driver.lab.channel.quiet()
            assert "scattering" not in text_of(driver, driver.ada)
            if driver.folds:
                assert "Rayleigh scattering it is." in folded_of(driver, driver.ada)
                assert "Thought for" in text_of(driver, driver.ada)
            assert sum(each.notifies for each in driver.shown(driver.ada)) == 1

    async def test_thoughts_between_tools_stay_in_order_and_tools_take_a_line(self) -> None:
        first = [think("First thought."), call_tool("look_up", {"word": "sky"})]
        second = [think("Second thought."), say("It is a word.")]
        setup = DriverSetup({"allow_from": ["*"]}, tools=(look_up,))
        async with self.opened(setup, first, second) as driver:
            await driver.person_says("Look it up", sender=driver.ada)
            await until(driver, lambda: "It is a word." in text_of(driver, driver.ada))
            await driver.lab.channel.quiet()
            if driver.folds:
                folded = folded_of(driver, driver.ada)
                assert 0 <= folded.find("First thought.") < folded.find("Second thought.")
            assert "First thought." not in text_of(driver, driver.ada)
            assert "Second thought." not in text_of(driver, driver.ada)

    async def test_a_run_with_only_a_thought_is_explained(self) -> None:
        async with self.opened(allowing(), [think("Nothing but " + CANARY)]) as driver:
            await driver.person_says("Hm?", sender=driver.ada)
            await driver_ended(driver)
            words = text_of(driver, driver.ada)
            assert "answer" in words
            assert CANARY not in words

    async def test_stop_ends_the_run_and_keeps_what_was_said(self) -> None:
        async with self.opened(allowing(), [say("Half an answer"), Silence()]) as driver:
            await driver.person_says("Go", sender=driver.ada)
            if driver.edits:
                await until(driver, lambda: "Half an answer" in text_of(driver, driver.ada))
            else:
                await until(driver, lambda: driver.lab.channel.status.pending == 1)
            await driver.person_says("/stop", sender=driver.ada)
            await until(driver, lambda: "Stopped." in text_of(driver, driver.ada))
            await driver.lab.channel.quiet()
            assert text_of(driver, driver.ada).count("Half an answer") == 1

    async def test_the_native_stop_does_the_same(self) -> None:
        async with self.opened(allowing(), [say("Half an answer"), Silence()], []) as driver:
            await driver.person_says("Go", sender=driver.ada)
            if driver.edits:
                await until(driver, lambda: "Half an answer" in text_of(driver, driver.ada))
            else:
                await until(driver, lambda: driver.lab.channel.status.pending == 1)
            if not await driver.press_stop(driver.ada):
                await driver.person_says("/stop", sender=driver.ada)
            await until(driver, lambda: driver.lab.channel.status.pending == 0)
            await driver.lab.channel.quiet()
            assert text_of(driver, driver.ada).count("Half an answer") == 1

    async def test_a_failure_is_explained_and_the_partial_answer_kept(self) -> None:
        async with self.opened(allowing(), [say("Half an answer"), Cut()]) as driver:
            await driver.person_says("Go", sender=driver.ada)
            await until(driver, lambda: "cut off" in text_of(driver, driver.ada))
            await driver.lab.channel.quiet()
            assert text_of(driver, driver.ada).count("Half an answer") == 1

    async def test_a_long_answer_arrives_whole_and_in_order(self) -> None:
        words = [f"word{n:04}" for n in range(3000)]
        text = "\n\n".join(" ".join(words[n : n + 40]) for n in range(0, 3000, 40))
        async with self.opened(allowing(), [say(text)]) as driver:
            await driver.person_says("Long", sender=driver.ada)
            await until(driver, lambda: "word2999" in text_of(driver, driver.ada))
            await driver.lab.channel.quiet()
            found = [each for each in text_of(driver, driver.ada).split() if each[:4] == "word"]
            assert found == words

    async def test_answer_text_that_turns_out_to_be_reasoning_leaves_the_answer(self) -> None:
        go = asyncio.Event()
        script = [say("Let me see first."), Wait(go), Reclassified("reasoning"), say("Blue.")]
        async with self.opened(allowing(), script) as driver:
            await driver.person_says("Why?", sender=driver.ada)
            if driver.edits:
                await until(driver, lambda: "Let me see first." in text_of(driver, driver.ada))
            else:
                await until(driver, lambda: driver.lab.channel.status.pending == 1)
            go.set()
            await until(driver, lambda: "Blue." in text_of(driver, driver.ada))
            await driver.lab.channel.quiet()
            assert "Let me see first." not in text_of(driver, driver.ada)
            assert text_of(driver, driver.ada).count("Blue.") == 1
            if driver.folds:
                assert folded_of(driver, driver.ada).count("Let me see first.") == 1

    async def test_a_burst_of_two_thousand_deltas_takes_few_calls(self) -> None:
        deltas = [f"d{n:04} " for n in range(1000)]
        async with self.opened(allowing(), [think(*deltas), say(*deltas)]) as driver:
            await driver.person_says("Burst", sender=driver.ada)
            await until(driver, lambda: "d0999" in text_of(driver, driver.ada))
            await driver.lab.channel.quiet()
            assert text_of(driver, driver.ada).count("d0500") == 1
            assert len(driver.traffic()) < 120

    async def test_the_answer_arrives_after_a_rate_limit_at_the_worst_moment(self) -> None:
        go = asyncio.Event()
        async with self.opened(allowing(), [think("Hm."), Wait(go), say("The answer.")]) as driver:
            await driver.person_says("Why?", sender=driver.ada)
            if driver.live_thoughts:
                await until(driver, lambda: "Hm." in seen(driver))
            driver.fail_next(2, 429, 1.5)
            go.set()
            await until(driver, lambda: "The answer." in text_of(driver, driver.ada))
            await driver.lab.channel.quiet()
            assert text_of(driver, driver.ada).count("The answer.") == 1

    async def test_the_answer_arrives_after_the_platform_was_down(self) -> None:
        go = asyncio.Event()
        async with self.opened(allowing(), [Wait(go), say("The answer.")]) as driver:
            await driver.person_says("Why?", sender=driver.ada)
            await until(driver, lambda: driver.lab.channel.status.pending == 1)
            driver.fail_next(2, 502)
            go.set()
            await until(driver, lambda: "The answer." in text_of(driver, driver.ada))
            await driver.lab.channel.quiet()
            assert text_of(driver, driver.ada).count("The answer.") == 1

    async def test_after_a_restart_midway_the_chat_is_completed_and_nothing_doubled(self) -> None:
        async with self.opened(allowing(), [say("Half an answer"), Silence()]) as driver:
            await driver.person_says("Go", sender=driver.ada)
            if driver.edits:
                await until(driver, lambda: "Half an answer" in text_of(driver, driver.ada))
            else:
                await until(driver, lambda: driver.lab.channel.status.pending == 1)
            await driver.restart([say("Once more.")])
            await until(driver, lambda: "shut down" in text_of(driver, driver.ada))
            await driver.lab.channel.quiet()
            assert text_of(driver, driver.ada).count("Half an answer") == 1
            await driver.person_says("Again", sender=driver.ada)
            await until(driver, lambda: "Once more." in text_of(driver, driver.ada))

    async def test_markup_and_mentions_in_model_text_are_neutral(self) -> None:
        async with self.opened(allowing(), [think(HOSTILE), say("Fine. @everyone")]) as driver:
            await driver.person_says("Why?", sender=driver.ada)
            await until(driver, lambda: "Fine." in text_of(driver, driver.ada))
            await driver.lab.channel.quiet()
            assert driver.pings() == []
            assert "fence" not in text_of(driver, driver.ada)
            if driver.folds:
                assert "fence" in folded_of(driver, driver.ada)

    async def test_a_thought_that_policy_hides_is_in_no_byte(self) -> None:
        setup = DriverSetup({"allow_from": ["*"]}, reasoning_allowed=False)
        async with self.opened(setup, [think(CANARY), say("Blue.")], []) as driver:
            await driver.person_says("Why?", sender=driver.ada)
            await until(driver, lambda: "Blue." in text_of(driver, driver.ada))
            await driver.person_says("/thinking live", sender=driver.ada)
            await driver.person_says("/why", sender=driver.ada)
            await until(driver, lambda: "not available" in text_of(driver, driver.ada))
            await driver.lab.channel.quiet()
            assert not any(CANARY in call for call in driver.traffic())

    async def test_a_thought_on_request_comes_only_when_somebody_asks(self) -> None:
        script = [think("Thought " + CANARY), say("Blue.")]
        async with self.opened(allowing(thinking="on_request"), script) as driver:
            await driver.person_says("Why?", sender=driver.ada)
            await until(driver, lambda: "Blue." in text_of(driver, driver.ada))
            await driver.lab.channel.quiet()
            assert not any(CANARY in call for call in driver.traffic())
            await driver.person_says("/why", sender=driver.ada)
            await until(driver, lambda: CANARY in seen(driver))

    async def test_a_stranger_gets_a_code_and_after_approval_an_answer(self) -> None:
        setup = DriverSetup({"allow_from": []})
        async with self.opened(setup, [say("Welcome.")]) as driver:
            await driver.person_says("Let me in", sender=driver.stranger)
            await until(driver, lambda: "channels pair" in text_of(driver, driver.stranger))
            assert driver.lab.model.requests == []
            pairings = Pairings(driver.lab.state, driver.lab.clock)
            (pending,) = await pairings.pending()
            await pairings.approve(pending.code)
            await driver.person_says("Now?", sender=driver.stranger)
            await until(driver, lambda: "Welcome." in text_of(driver, driver.stranger))

    async def test_in_a_group_only_an_allowed_person_who_mentions_the_bot_is_answered(self) -> None:
        setup = DriverSetup({"allow_from": [ADA], "allow_groups": [GROUP]})
        async with self.opened(setup, [think(CANARY), say("Here.")]) as driver:
            await driver.person_says("Hello all", sender=driver.ada, group=True)
            await driver.person_says("Hey bot", sender=driver.stranger, group=True, mention=True)
            await driver.person_says("Bot?", sender=driver.ada, group=True, mention=True)
            await until(driver, lambda: "Here." in text_of(driver, driver.group))
            await driver.lab.channel.quiet()
            assert len(driver.lab.model.requests) == 1
            assert not any(CANARY in call for call in driver.traffic())

    async def test_bots_are_ignored(self) -> None:
        async with self.opened(allowing(), [say("For a person.")]) as driver:
            await driver.person_says(
                "Beep", sender=driver.stranger, group=True, mention=True, is_bot=True
            )
            await driver.person_says("Hi", sender=driver.ada, group=True, mention=True)
            await until(driver, lambda: "For a person." in text_of(driver, driver.group))
            await driver.lab.channel.quiet()
            assert len(driver.lab.model.requests) == 1

    async def test_a_message_that_arrives_twice_is_answered_once(self) -> None:
        async with self.opened(allowing(), [say("Once.")], [say("Next.")]) as driver:
            await driver.person_says("Hi", sender=driver.ada)
            await driver.repeat_last()
            await until(driver, lambda: "Once." in text_of(driver, driver.ada))
            await driver.repeat_last()
            await driver.person_says("And?", sender=driver.ada)
            await until(driver, lambda: "Next." in text_of(driver, driver.ada))
            await driver.lab.channel.quiet()
            assert len(driver.lab.model.requests) == 2

    async def test_fifty_chats_at_once_are_all_answered(self) -> None:
        scripts: list[Script] = [[think("Hm."), say("All good.")] for _ in range(50)]
        async with self.opened(allowing(), *scripts) as driver:
            people = driver.people(50)
            for person in people:
                await driver.person_says("Hi", sender=person)
            await until(
                driver, lambda: all("All good." in text_of(driver, person) for person in people)
            )
            await driver.lab.channel.quiet()
            assert all(text_of(driver, person).count("All good.") == 1 for person in people)


def seen(driver: Driver) -> str:
    """Everything that Ada's chat shows, folded or not."""
    return text_of(driver, driver.ada) + "\n" + folded_of(driver, driver.ada)


async def driver_ended(driver: Driver) -> None:
    """Wait until the one run of a test has started and is delivered."""
    await until(driver, lambda: bool(driver.lab.model.requests))
    await until(driver, lambda: bool(text_of(driver, driver.ada).strip()))
    await driver.lab.channel.quiet()
