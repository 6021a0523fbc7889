"""The limits of a homeserver: Synapse's default rate limit, and the size of events."""

import asyncio
import base64
import json

import pytest

from tests.channels.matrix.driver import matrix_driver, matrix_world
from tests.channels.matrix.homeserver import Homeserver
from tests.channels.matrix.seen import messages
from tests.channels.platform.contract import seen
from tests.channels.platform.driver import DriverSetup, text_of, until
from thinkaloud.channels.matrix.render import finished
from thinkaloud.channels.platform.content import Answer, ChatContent, Thought
from thinkaloud.ports.clock import SystemClock
from thinkaloud.providers.scripted import Wait, say, think

EVERYBODY = DriverSetup({"allow_from": ["*"]})


async def test_with_synapses_default_limit_a_live_thought_and_a_long_answer_are_never_refused(
    synapse: Homeserver,
) -> None:
    first, second = asyncio.Event(), asyncio.Event()
    words = " ".join(f"word{n}" for n in range(6_000))
    script = [think("One."), Wait(first), think(" Two."), Wait(second), say(words)]
    clock = SystemClock()
    async with matrix_driver(synapse, EVERYBODY, script, clock=clock, exempt=False) as driver:
        await driver.person_says("Why?", sender=driver.ada)
        await until(driver, lambda: "One." in seen(driver))
        first.set()
        await until(driver, lambda: "Two." in seen(driver))
        second.set()
        await until(driver, lambda: "word5999" in text_of(driver, driver.ada))
        await driver.lab.channel.quiet()
        assert len(messages(driver.proxy.events)) >= 3
        assert [call for call in driver.proxy.calls if call.status == 429] == []


async def test_replies_beyond_synapses_default_limit_arrive_late_but_complete(
    synapse: Homeserver,
) -> None:
    async with matrix_driver(synapse, EVERYBODY, clock=SystemClock(), exempt=False) as driver:
        for _ in range(12):
            await driver.person_says("/help", sender=driver.ada)
        await until(driver, lambda: len(driver.shown(driver.ada)) == 12)
        assert any(call.status == 429 for call in driver.proxy.calls)


@pytest.mark.parametrize("encrypted", [False, True])
async def test_synapse_accepts_the_largest_messages(synapse: Homeserver, encrypted: bool) -> None:
    async with matrix_world(synapse) as driver:
        await driver.prepare(EVERYBODY)
        room_id = await driver.room_of(driver.ada)
        event_id = await driver.admin.send(driver.ada, room_id, {"msgtype": "m.text", "body": "1"})
        kind = "m.room.encrypted" if encrypted else "m.room.message"
        for text in ("漢", "<&> "):
            blocks = (
                Thought("t", text * 20_000, open=False, started_at_ms=0, duration_ms=4_000),
                Answer("a", text * 5_000, open=False),
            )
            content = ChatContent(run_id="r", mode="live", blocks=blocks, final=True)
            for part in finished(content, encrypted=encrypted):
                edit = part.edit_of(event_id)
                if encrypted:
                    # As nio does it: the plain text as ASCII, padded a little, in base64.
                    written = json.dumps({"content": edit, "type": "m.room.message"})
                    ciphertext = base64.b64encode(written.encode()).decode() + "x" * 500
                    edit = {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": ciphertext}
                await driver.admin.send(driver.ada, room_id, edit, kind)
