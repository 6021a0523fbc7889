"""Downloads and uploads files on WeChat's CDN, which are encrypted with AES-128 in ECB mode."""

import asyncio
import base64
import binascii
import hashlib
import re
import secrets
from typing import Final
from urllib.parse import quote, urlsplit

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.errors import Rejected
from thinkaloud.channels.platform.message import ChatAddress, Fetch
from thinkaloud.channels.wechat.api import Api
from thinkaloud.channels.wechat.mail import SentFile
from thinkaloud.channels.wechat.protocol import Media, UploadUrl

_BLOCK: Final = 16
_HEX_KEY: Final = re.compile(rb"[0-9A-Fa-f]{32}")
_DOMAINS: Final = (".weixin.qq.com", ".wechat.com")
_FILE: Final = 3
"""A file, by the numbers of `getuploadurl`; those of messages differ."""


class MediaFiles:
    """The files of one bot."""

    def __init__(self, api: Api, cdn_base: str) -> None:
        self._api = api
        self._base = cdn_base.rstrip("/")

    def fetch(self, media: Media, hex_key: str = "") -> Fetch:
        """Return the function that downloads a file and decrypts it."""

        async def fetch(most: int) -> bytes:
            key = file_key(media.aes_key, hex_key)
            data = await self._api.download(self.address(media), most + _BLOCK)
            if key is not None:
                data = await asyncio.to_thread(decrypted, data, key)
            if len(data) > most:
                raise Rejected(f"it has more than {most:,} bytes")
            return data

        return fetch

    def address(self, media: Media) -> str:
        """Return where a file is. Raises `Rejected` if that isn't a server of WeChat."""
        if media.encrypt_query_param:
            return f"{self._base}/download?encrypted_query_param={quote(media.encrypt_query_param, safe='')}"
        return self._checked(media.full_url)

    async def upload(self, chat: ChatAddress, document: Document) -> SentFile:
        """Encrypt and upload a file. Raises as `Platform.show`."""
        key, name = secrets.token_bytes(_BLOCK), secrets.token_hex(_BLOCK)
        data = await asyncio.to_thread(encrypted, document.data, key)
        asked = {
            "filekey": name,
            "media_type": _FILE,
            "to_user_id": chat.chat_id,
            "rawsize": len(document.data),
            "rawfilemd5": hashlib.md5(document.data, usedforsecurity=False).hexdigest(),
            "filesize": len(data),
            "no_need_thumb": True,
            "aeskey": key.hex(),
        }
        place = await self._api.post("getuploadurl", asked, UploadUrl)
        if place.upload_full_url:
            address = self._checked(place.upload_full_url)
        elif place.upload_param:
            parameter = quote(place.upload_param, safe="")
            address = f"{self._base}/upload?encrypted_query_param={parameter}&filekey={name}"
        else:
            raise Rejected("getuploadurl: no address for the upload")
        parameter = await self._api.upload(address, data)
        return SentFile(document.name, len(document.data), parameter, key.hex())

    def _checked(self, url: str) -> str:
        """Return an address. Raises `Rejected` if it isn't one of WeChat or of `cdn_base`."""
        found, own = urlsplit(url), urlsplit(self._base)
        same = (found.scheme, found.netloc) == (own.scheme, own.netloc)
        host = found.hostname or ""
        if not same and not (found.scheme == "https" and host.endswith(_DOMAINS)):
            raise Rejected("its address is not one of WeChat's CDN")
        return url


def file_key(encoded: str, hex_key: str = "") -> bytes | None:
    """Return the key of a file; None if it isn't encrypted. Raises `Rejected`."""
    try:
        if hex_key:
            key = bytes.fromhex(hex_key)
        elif encoded:
            key = base64.b64decode(encoded, validate=True)
            if _HEX_KEY.fullmatch(key):
                key = bytes.fromhex(key.decode())
        else:
            return None
    except (ValueError, binascii.Error):
        raise Rejected("its key is unreadable") from None
    if len(key) != _BLOCK:
        raise Rejected("its key is unreadable")
    return key


def encrypted(data: bytes, key: bytes) -> bytes:
    """Pad and encrypt a file."""
    padder = PKCS7(_BLOCK * 8).padder()
    # The mode is WeChat's choice.
    cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return cipher.update(padder.update(data) + padder.finalize()) + cipher.finalize()


def decrypted(data: bytes, key: bytes) -> bytes:
    """Decrypt a file and remove the padding. Raises `Rejected`."""
    try:
        # The mode is WeChat's choice.
        cipher = Cipher(algorithms.AES(key), modes.ECB()).decryptor()
        padding = PKCS7(_BLOCK * 8).unpadder()
        return padding.update(cipher.update(data) + cipher.finalize()) + padding.finalize()
    except ValueError:
        raise Rejected("it cannot be decrypted") from None
