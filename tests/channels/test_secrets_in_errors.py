"""Tokens and secrets of chat platforms stay out of errors and logs, whatever a server answers."""

import asyncio
import logging
import traceback
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec
import pytest

from thinkaloud.channels.platform.built_in import load_platform, settings_type
from thinkaloud.channels.platform.engine.connection import LatePace
from thinkaloud.channels.platform.errors import PlatformError
from thinkaloud.channels.platform.message import ChatAddress, Origin, Sender
from thinkaloud.channels.platform.platform import Platform, PlatformContext

CANARY: Final = "canary8f31c2"
SECRETS: Final[Mapping[str, str]] = {
    "TELEGRAM_BOT_TOKEN": f"123456:{CANARY}",
    "SLACK_BOT_TOKEN": f"xoxb-{CANARY}",
    "SLACK_APP_TOKEN": f"xapp-{CANARY}",
    "DISCORD_BOT_TOKEN": CANARY,
    "FEISHU_APP_SECRET": CANARY,
    "WECHAT_TOKEN": CANARY,
    "WECOM_BOT_SECRET": CANARY,
    "MATRIX_ACCESS_TOKEN": CANARY,
}
SETTINGS: Final[Mapping[str, Mapping[str, object]]] = {
    "telegram": {"api_base": "http://SERVER"},
    "slack": {"api_base": "http://SERVER/api/"},
    "discord": {"api_base": "http://SERVER/api/v10"},
    "feishu": {"app_id": "cli_1", "domain": "http://SERVER"},
    "wechat": {"api_base": "http://SERVER", "token_env": "WECHAT_TOKEN"},
    "wecom": {"bot_id": "bot", "ws_url": "wss://SERVER"},
    "matrix": {"homeserver": "http://SERVER", "user_id": "@bot:localhost", "encryption": False},
}


class StoppedClock:
    """Time that never passes: a sleep lasts until the end."""

    def __init__(self) -> None:
        self.slept = asyncio.Event()

    def steady_ms(self) -> int:
        return 1_000_000

    def unix_ms(self) -> int:
        return 1_790_000_000_000

    async def sleep(self, seconds: float) -> None:
        self.slept.set()
        await asyncio.Event().wait()


class NoStorage:
    async def get(self, key: str) -> bytes | None:
        return None

    async def put(self, key: str, value: bytes) -> None: ...

    async def delete(self, key: str) -> bool:
        return False


@asynccontextmanager
async def repeating_server(status: int) -> AsyncGenerator[tuple[str, list[bytes]]]:
    """Answer every request with a page that repeats it, headers included; with 0, refuse connections."""
    requests: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got = await reader.read(65_536)
        requests.append(got)
        page = b"<html>" + got
        head = f"HTTP/1.1 {status} X\r\nContent-Type: text/html\r\nContent-Length: {len(page)}"
        writer.write(f"{head}\r\nConnection: close\r\n\r\n".encode() + page)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        if not status:
            server.close()
        yield address, requests
    finally:
        server.close()


def made(name: str, address: str, clock: StoppedClock) -> Platform:
    section = {
        key: value.replace("SERVER", address) if isinstance(value, str) else value
        for key, value in SETTINGS[name].items()
    }
    context = PlatformContext(
        name=name, environment=SECRETS, clock=clock, pace=LatePace(), storage=NoStorage()
    )
    kind: Any = settings_type(name)
    return load_platform(name)(msgspec.convert(section, kind), context)


async def errors_of(platform: Platform, clock: StoppedClock, name: str) -> list[BaseException]:
    """Check, connect and write, and return what is raised."""
    found: list[BaseException] = []
    chat, origin = ChatAddress(name, "1"), Origin(Sender("1"), "1")

    async def keep(call: Any) -> None:
        clock.slept.clear()
        task, asleep = asyncio.ensure_future(call), asyncio.ensure_future(clock.slept.wait())
        await asyncio.wait({task, asleep}, return_when=asyncio.FIRST_COMPLETED)
        asleep.cancel()
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()) is not None:
            found.append(error)

    await keep(platform.run(Any, lambda: None))  # pyright: ignore[reportArgumentType]
    await keep(platform.say(chat, "Hello", origin=origin))
    await keep(platform.typing(chat, origin, on=True))
    await platform.close()
    return found


@pytest.mark.parametrize("status", [0, 200, 401, 500])
@pytest.mark.parametrize("name", sorted(SETTINGS))
async def test_no_token_is_in_an_error_a_check_or_a_log(
    name: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    clock = StoppedClock()
    async with repeating_server(status) as (address, requests):
        checking = made(name, address, clock)
        checks = await checking.check()
        await checking.close()
        errors = await errors_of(made(name, address, clock), clock, name)
    shown = [*map(repr, checks), caplog.text]
    shown += ["".join(traceback.format_exception(error)) + repr(error) for error in errors]
    assert any(not check.ok for check in checks)
    assert all(isinstance(error, PlatformError) for error in errors), errors
    assert not [text for text in shown if CANARY in text]
    if status and name != "wecom":  # Its secret is sent after TLS only.
        assert any(CANARY.encode() in request for request in requests)
