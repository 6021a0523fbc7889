"""`thinkaloud channels`, with the real program and a fake Bot API."""

import asyncio
import json
import re
import stat
import subprocess
import time
from collections.abc import AsyncGenerator

import pytest

from tests.channels.telegram.fake.people import People
from tests.channels.telegram.fake.server import TOKEN, FakeTelegram
from tests.cli.commands.test_serve import read_until
from tests.cli.program import DEMO, Home


@pytest.fixture
async def telegram() -> AsyncGenerator[FakeTelegram]:
    async with FakeTelegram(lambda: int(time.monotonic() * 1000)).serving() as server:
        yield server


async def run(home: Home, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(home.run, "channels", *arguments)


async def add(home: Home, telegram: FakeTelegram, *more: str) -> "subprocess.CompletedProcess[str]":
    home.environment["TELEGRAM_BOT_TOKEN"] = TOKEN
    return await run(home, "add", "telegram", "--set", f"api_base={telegram.base}", *more)


async def test_a_channel_is_added_after_its_token_was_tested(
    home: Home, telegram: FakeTelegram
) -> None:
    home.configure("# mine\n" + DEMO)
    (home.folder / "thinkaloud.toml").chmod(0o640)
    done = await add(home, telegram, "--allow", "1", "--set", "thinking=folded")
    assert done.returncode == 0, done.stderr
    assert "@ada_test_bot" in done.stdout
    assert "Added [channels.telegram]" in done.stderr
    file = home.folder / "thinkaloud.toml"
    text = file.read_text()
    assert text.startswith("# mine\n" + DEMO)
    assert text.endswith('thinking = "folded"\nallow_from = ["1"]\n')
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert TOKEN not in text + done.stdout + done.stderr
    again = await add(home, telegram)
    assert again.returncode != 0
    assert "exists already" in again.stderr
    assert file.read_text() == text


async def test_nothing_is_written_if_the_test_fails(home: Home, telegram: FakeTelegram) -> None:
    home.environment["TELEGRAM_BOT_TOKEN"] = "999:wrong"
    done = await run(home, "add", "telegram", "--set", f"api_base={telegram.base}")
    assert done.returncode == 1
    assert "TELEGRAM_BOT_TOKEN is not accepted" in done.stdout
    assert "999:wrong" not in done.stdout + done.stderr
    assert not (home.folder / "thinkaloud.toml").exists()
    home.environment["TELEGRAM_BOT_TOKEN"] = "wrong"
    done = await run(home, "add", "telegram")
    assert "TELEGRAM_BOT_TOKEN: the token doesn't look like one from @BotFather" in done.stdout
    forced = await run(home, "add", "telegram", "--no-test")
    assert forced.returncode == 0
    assert "[channels.telegram]" in (home.folder / "thinkaloud.toml").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "telegrm"), "Did you mean telegram?"),
        (("add", "telegram", "--set", "tokn_env=X", "--no-test"), "Did you mean token_env?"),
        (("add", "telegram", "--set", "thinking=loud", "--no-test"), "Allowed: off, live"),
        (("add", "telegram", "--set", "thinking", "--no-test"), "KEY=VALUE"),
        (("test", "telegram"), "thinkaloud channels add telegram"),
        (("test",), "No chat platform is enabled"),
        (("login", "telegram"), "thinkaloud channels add telegram"),
        (("pair", "ABCD2345"), "No such code is waiting"),
        (("unpair", "telegram", "5"), "Nobody with the id 5 is paired"),
    ],
)
def test_an_error_is_explained(home: Home, arguments: tuple[str, ...], message: str) -> None:
    done = home.run("channels", *arguments)
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (home.folder / "thinkaloud.toml").exists()


def test_pairing_needs_a_store_that_persists(home: Home) -> None:
    home.configure('[store]\nkind = "memory"\n')
    done = home.run("channels", "pair", "ABCD2345")
    assert done.returncode != 0
    assert "exist only inside the server" in done.stderr


async def test_a_stranger_is_paired_while_the_server_runs(
    home: Home, telegram: FakeTelegram
) -> None:
    home.configure(DEMO)
    await add(home, telegram)
    people = People(telegram)
    with home.start("serve", "--port", "0") as process:
        # Channels start before the other commands can find the server.
        await asyncio.to_thread(read_until, process, b"/api/docs\n")
        await telegram.until(lambda: telegram.called("getUpdates") or telegram.called("getMe"))
        people.says("Hello, who are you?", user=7)
        await telegram.until(lambda: telegram.seen(7))
        code = re.search(r"[A-Z0-9]{8}", str(telegram.seen(7)[0]))
        assert code
        listed = json.loads((await run(home, "list", "--json")).stdout)
        assert {each["name"]: each["state"] for each in listed}["telegram"] == "running"
        waiting = json.loads((await run(home, "people", "--json")).stdout)
        assert [(each["id"], each["access"]) for each in waiting] == [("7", "waiting")]
        assert code.group() not in (await run(home, "people")).stdout
        paired = await run(home, "pair", code.group().lower())
        assert "Paired 7" in paired.stderr
        assert (await run(home, "pair", code.group())).returncode != 0
        people.says("Hello again", user=7)
        await telegram.until(lambda: len(telegram.seen(7)) > 1)
        assert "7" in (await run(home, "people", "telegram")).stdout
        home.configure((home.folder / "thinkaloud.toml").read_text() + 'allow_from = ["7", "8"]\n')
        people_now = json.loads((await run(home, "people", "--json")).stdout)
        assert [(each["id"], each["access"]) for each in people_now] == [
            ("7", "allow_from"),
            ("8", "allow_from"),
        ]
        assert "allow_from, paired 20" in (await run(home, "people")).stdout
        home.configure(DEMO)
        assert (await run(home, "unpair", "telegram", "7")).returncode == 0
        assert json.loads((await run(home, "people", "--json")).stdout) == []


async def test_doctor_reports_a_channel_whose_token_is_missing_and_groups_that_show_reasoning(
    home: Home,
) -> None:
    home.configure(DEMO + '[channels.telegram]\ngroup_thinking = "live"\nallow_from = ["*"]\n')
    report = json.loads(home.run("doctor", "--json").stdout)
    assert any("TELEGRAM_BOT_TOKEN" in each for each in report["problems"])
    advice = " ".join(report["advice"])
    assert "shows reasoning to everybody in a group" in advice
    assert "lets everybody who finds the bot use your models" in advice
