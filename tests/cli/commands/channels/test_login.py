"""`thinkaloud channels login`, with the real program and a fake iLink API."""

import asyncio
import stat
import subprocess
import time
from collections.abc import AsyncGenerator

import pytest

from tests.channels.wechat.fake.logins import BOT, OWNER
from tests.channels.wechat.fake.server import FakeWeChat
from tests.cli.program import DEMO, Home


@pytest.fixture
async def wechat() -> AsyncGenerator[FakeWeChat]:
    async with FakeWeChat(lambda: int(time.monotonic() * 1000)).serving() as server:
        yield server


async def run(home: Home, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(home.run, "channels", *arguments)


async def test_wechat_is_added_logged_in_to_and_answers(home: Home, wechat: FakeWeChat) -> None:
    home.configure(DEMO)
    added = await run(home, "add", "wechat", "--set", f"api_base={wechat.base}", "--allow", OWNER)
    assert added.returncode == 0, added.stderr
    assert "thinkaloud channels login wechat" in added.stderr
    tested = await run(home, "test", "wechat")
    assert tested.returncode == 1
    assert "nobody has logged in" in tested.stdout
    wechat.logins.plans = [["scaned", "confirmed"]]
    done = await run(home, "login", "wechat")
    assert done.returncode == 0, done.stderr
    assert "https://liteapp.weixin.qq.com/q/code-1" in done.stdout
    assert "█" in done.stdout
    assert f"Logged in to wechat as {BOT}" in done.stderr
    assert OWNER in done.stderr
    assert "CANARY" not in done.stdout + done.stderr
    (file,) = home.folder.rglob("login.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    tested = await run(home, "test", "wechat")
    assert tested.returncode == 0, tested.stdout
    with home.start("serve", "--port", "0"):
        wechat.people.says("Hello, who are you?", user=OWNER)
        await wechat.until(lambda: wechat.people.seen(OWNER))
        assert wechat.people.seen(OWNER)[0].text.startswith("💭 Thought for")


async def test_a_login_that_needs_a_number_requires_a_terminal(
    home: Home, wechat: FakeWeChat
) -> None:
    home.configure(DEMO)
    await run(home, "add", "wechat", "--set", f"api_base={wechat.base}")
    wechat.logins.plans = [["verify"]]
    done = await run(home, "login", "wechat")
    assert done.returncode != 0
    assert "without a terminal" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(home.folder.rglob("login.json")) == []
