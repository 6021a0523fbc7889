"""Whatever bytes a client sends, the server responds or closes, and keeps serving everyone else (`make soak` runs it for longer)."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.auth.people import ADMIN
from tests.channels.sockets import Client, client, hosting
from tests.server.hostile import send_hostile_traffic
from tests.server.serving import Served
from thinkaloud.auth.access import Access
from thinkaloud.auth.key_fields import KeyFields
from thinkaloud.auth.settings import AuthSettings
from thinkaloud.ports.clock import SystemClock
from thinkaloud.stores.keys import MemoryKeyStore
from thinkaloud.testing import ScriptedModel, say

QUICK: dict[str, Any] = {"header_timeout_seconds": 0.3, "body_timeout_seconds": 0.3}


@asynccontextmanager
async def attacked(mode: str) -> AsyncGenerator[tuple[Served, Client, str | None]]:
    """Serve with keys or without; yields the server, a well-behaved client, and the attacker's key."""
    model = ScriptedModel(*[[say("Yes.")]] * 5_000)
    if mode == "off":
        async with hosting(model, **QUICK) as served, client(served) as one:
            yield served, one, None
        return
    access = Access(MemoryKeyStore(), SystemClock(), AuthSettings(mode="keys"))
    mine, theirs = [
        (await access.administration.create(KeyFields(name=name), ADMIN)).value.text()
        for name in ("ada", "mallory")
    ]
    headers = {"Authorization": f"Bearer {mine}"}
    async with hosting(model, authenticator=access.authenticator, **QUICK) as served:
        served.session.headers.update(headers)
        async with client(served, additional_headers=headers) as one:
            yield served, one, theirs


@pytest.mark.parametrize(("mode", "seed"), [("off", 0), ("keys", 1), ("off", 2), ("keys", 3)])
async def test_hostile_heads_and_frames_are_answered_and_affect_no_other_client(
    mode: str, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with attacked(mode) as (served, one, key):
        served.server.config.timeout_keep_alive = 1
        before = len(served.server.server_state.connections)
        await send_hostile_traffic(int(served.url.rpartition(":")[2]), seed, 100, key=key)
        await one.send({"type": "ping"})
        await one.until("pong")
        async with served.session.get(f"{served.url}/healthz") as response:
            assert response.status == 200
            await response.read()
        assert len(served.server.server_state.connections) <= before + 1
    records = [each for each in caplog.records if each.name != "asyncio"]
    assert [each for each in records if each.levelno >= logging.ERROR or each.exc_info] == []
    assert len(records) < 20
