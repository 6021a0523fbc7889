"""Attacks on the limits of a key: on other protocols, with other words, and many at once."""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

import pytest

from tests.attacks.entry_points import MESSAGES, MODEL, SOCKETS, say_hi
from tests.server.access.keyed import keyed
from thinkaloud.events.model import Usage
from thinkaloud.providers.scripted import Wait, finish
from thinkaloud.testing import ScriptedModel, say, think

EVERYWHERE = [*MESSAGES, *SOCKETS]
HIGH: Mapping[str, Any] = {
    "reasoning_effort": "high",
    "reasoningEffort": "high",
    "effort": "high",
    "reasoning": {"effort": "high", "summary": "auto"},
    "thinking": {"type": "enabled", "budget_tokens": 60_000},
    "output_config": {"effort": "high"},
    "think": "high",
    "max_tokens": 100_000,
    "forwardedProps": {"reasoningEffort": "high", "resumable": True},
}
AT_ONCE = 20


def is_refused(status: int, text: str) -> bool:
    """Whether a limit refused a message, on HTTP or on a socket."""
    return status in {403, 429} or any(
        f'"code":"{code}"' in text for code in ("rate_limited", "budget_spent", "forbidden")
    )


@pytest.mark.parametrize("name", EVERYWHERE)
async def test_a_limit_that_is_spent_on_one_protocol_is_spent_on_all(name: str) -> None:
    usage = Usage(input_tokens=10, output_tokens=10)
    for limit in ({"requests_per_minute": 1}, {"tokens_per_day": 1}):
        model = ScriptedModel(*[[say("Hi"), finish("stop", usage)]] * 3)
        async with keyed(model=model) as keys:
            key = await keys.bearer("ada", **limit)
            status, text = await say_hi(keys.served, name, key)
            spent = len(model.requests)
            assert spent == 1 or is_refused(status, text)
            for other in EVERYWHERE:
                if other != name or spent:
                    assert is_refused(*await say_hi(keys.served, other, key)), (limit, other)
            assert len(model.requests) == spent


@pytest.mark.parametrize("name", EVERYWHERE)
async def test_no_protocol_has_a_word_for_more_effort_than_a_key_permits(name: str) -> None:
    model = ScriptedModel(*[[think("Hm"), say("Hi")]] * 3)
    async with keyed(model=model) as keys:
        key = await keys.bearer("ada", max_effort="low")
        for fields in (HIGH, {"reasoning": {"max_tokens": 60_000}}, {"reasoning_effort": 60_000}):
            await say_hi(keys.served, name, key, **fields)
        await say_hi(keys.served, name, key)
    allowed = {None, "none", "minimal", "low"}
    found = [request.effort for request in model.requests]
    assert [
        effort
        for effort in found
        if effort not in allowed and not (isinstance(effort, int) and effort <= 4_096)
    ] == []


@pytest.mark.parametrize("name", EVERYWHERE)
async def test_many_messages_at_once_pass_no_limit(name: str) -> None:
    gate = asyncio.Event()
    model = ScriptedModel(*[[think("Hm"), Wait(gate), say("Hi")]] * AT_ONCE)
    async with keyed(model=model) as keys:
        few = await keys.bearer("ada", concurrent_runs=2)
        asked = [
            asyncio.ensure_future(say_hi(keys.served, name, few, f"room-{number}"))
            for number in range(AT_ONCE)
        ]
        refused: list[tuple[int, str]] = []
        for each in asyncio.as_completed(asked):
            refused.append(await each)
            if len(refused) == AT_ONCE - 2:
                break
        assert all(is_refused(*each) for each in refused)
        gate.set()
        answers = [each for each in await asyncio.gather(*asked) if not is_refused(*each)]
        assert len(answers) == len(model.requests) == 2
        rare = await keys.bearer("bob", requests_per_minute=3)
        answers = await asyncio.gather(
            *(say_hi(keys.served, name, rare, f"room-{number}") for number in range(AT_ONCE))
        )
        assert sum(not is_refused(*each) for each in answers) == 3


@pytest.mark.promise("P12")
@pytest.mark.parametrize("name", MESSAGES)
async def test_a_header_with_the_name_of_another_owners_conversation_shows_nothing_of_it(
    name: str,
) -> None:
    secret = f"secret-{secrets.token_hex(4)}"
    model = ScriptedModel([say(secret)], *[[say("Hi")]] * 3)
    async with keyed(model=model) as keys:
        ada, bob = await keys.bearer("ada"), await keys.bearer("bob")
        await say_hi(keys.served, "rest", ada, "adas", text=secret)
        headers = {**bob, "X-Conversation-ID": "adas"}
        fields = {"conversation": "adas"} if name.startswith("response") else {}
        status, text = await say_hi(keys.served, name, headers, "adas", model=MODEL, **fields)
        assert status == 200, text
        assert secret not in text
        assert secret not in repr(model.requests[1:])
        _, listed, _ = await keys.ask("GET", "/conversations/adas/messages", ada)
        assert len(listed["messages"]) == 2
