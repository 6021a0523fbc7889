"""The fake Feishu works with Feishu's own library, so it speaks the real protocol."""

import asyncio
import subprocess
import sys
from pathlib import Path

from tests.channels.feishu.fake.people import People
from tests.channels.feishu.fake.server import APP_ID, SECRET, FakeFeishu
from tests.channels.feishu.fake.visible import visible

BOT = Path(__file__).parent / "fake" / "sdk_bot.py"


def test_the_channel_does_not_import_it() -> None:
    code = "import sys, thinkaloud.channels.feishu.client; sys.exit('lark_oapi' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


async def test_feishus_own_library_receives_and_answers_with_a_card() -> None:
    loop = asyncio.get_running_loop()
    async with FakeFeishu(loop.time).serving() as server:
        bot = await asyncio.create_subprocess_exec(
            sys.executable, "-P", BOT, server.url, APP_ID, SECRET,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert bot.stdout is not None
        try:
            await People(server).writes("ou_ada", "hello " * 1_000)
            lines = [await bot.stdout.readline() for _ in range(2)]
        finally:
            bot.kill()
            await bot.wait()
        assert lines == [b"0 0 0\n", b"0 0 300317\n"]
        card = next(iter(server.cards.entities.values())).card
        assert visible(card)[0] == "HELLO " * 1_000
        assert server.sockets.pings >= 1
