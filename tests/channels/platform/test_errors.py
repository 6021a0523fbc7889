"""What an operator reads about a connection that failed."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine

import aiohttp
import pytest

from thinkaloud.channels.platform.errors import network_reason


async def get(address: str, *, seconds: float = 20) -> None:
    timeout = aiohttp.ClientTimeout(total=seconds)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(address):
        pass


async def connecting_to(answer: bytes | None, scheme: str = "http") -> None:
    """Connect to a server that sends these bytes and hangs up; with None, it never answers."""
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if answer is None:
            await done.wait()
        else:
            await reader.read(1)
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        await get(f"{scheme}://127.0.0.1:{port}", seconds=0.01 if answer is None else 20)
    finally:
        done.set()
        server.close()


@pytest.mark.parametrize(
    ("connect", "reason"),
    [
        (lambda: get("http://127.0.0.1:1/canary"), "the connection was refused"),
        (lambda: connecting_to(None), "no answer in time"),
        (lambda: connecting_to(b"no TLS", "https"), "no secure connection"),
        (lambda: connecting_to(b""), "ServerDisconnectedError"),
    ],
)
async def test_the_reason_is_in_plain_words_without_the_text_of_the_error(
    connect: Callable[[], Coroutine[None, None, None]], reason: str
) -> None:
    with pytest.raises((aiohttp.ClientError, TimeoutError)) as caught:
        await connect()
    assert network_reason(caught.value).startswith(reason)
    assert "canary" not in network_reason(caught.value)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ssl.SSLCertVerificationError("canary"), "certificate is not valid"),
        (ConnectionResetError("canary"), "the connection broke"),
        (socket.gaierror("canary"), "the host name is unknown"),
        (KeyError("canary"), "KeyError"),
    ],
)
def test_other_errors_have_a_reason_without_their_text(error: Exception, reason: str) -> None:
    assert reason in network_reason(error)
    assert "canary" not in network_reason(error)
