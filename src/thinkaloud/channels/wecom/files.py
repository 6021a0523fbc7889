"""Downloads what people attach. Files are encrypted, each with its own key."""

import asyncio
import ssl
from typing import Final

import aiohttp
from aibot import decrypt_file  # pyright: ignore[reportMissingTypeStubs]

from thinkaloud.channels.platform.errors import Rejected, Transient
from thinkaloud.channels.platform.message import Fetch

_TIMEOUT: Final = aiohttp.ClientTimeout(total=60, connect=10)
_BLOCK: Final = 64 * 1024
_PADDING: Final = 32


class Downloads:
    """Downloads files, up to the size that is asked for; the SDK reads them whole."""

    def __init__(self, ca_file: str | None = None) -> None:
        self._ca_file = ca_file
        self._context: ssl.SSLContext | None = None

    def fetch_of(self, url: str, key: str) -> Fetch:
        """Return what downloads a file and decrypts it."""

        async def fetch(most: int) -> bytes:
            data = await self._download(url, most + _PADDING)
            if key:
                try:
                    data = await asyncio.to_thread(decrypt_file, data, key)
                except (RuntimeError, ValueError):
                    raise Rejected("it cannot be decrypted.") from None
            if len(data) > most:
                raise Rejected(f"it has more than {most:,} bytes.")
            return data

        return fetch

    async def _download(self, url: str, most: int) -> bytes:
        if not url.startswith("https://"):
            raise Rejected("its address is not secure.")
        if self._context is None:
            self._context = await asyncio.to_thread(_tls_context, self._ca_file)
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.get(url, ssl=self._context, allow_redirects=False) as response,
            ):
                if response.status != 200:
                    raise Transient(f"it cannot be downloaded: status {response.status}.")
                data = bytearray()
                async for block in response.content.iter_chunked(_BLOCK):
                    data += block
                    if len(data) > most:
                        raise Rejected(f"it has more than {most - _PADDING:,} bytes.")
                return bytes(data)
        except (aiohttp.ClientError, TimeoutError) as error:
            # Its text has the address, which is secret: it suffices for the download.
            raise Transient(f"it cannot be downloaded: {type(error).__name__}.") from None


def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context
