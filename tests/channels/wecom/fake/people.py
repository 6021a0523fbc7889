"""What people do in WeCom: they write, in direct chats and in groups, and attach files."""

import base64
import os
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.channels.wecom.fake.server import BOT_ID, FakeWeCom

_BLOCK = 32


class People:
    """Everybody in the organization."""

    def __init__(self, server: FakeWeCom) -> None:
        self._server = server
        self._messages = 0

    async def writes(
        self,
        userid: str,
        text: str,
        *,
        group: str | None = None,
        mention: bool = False,
        **more: Any,
    ) -> Mapping[str, Any]:
        """Write to the bot, or in a group. WeCom pushes from groups only what mentions the bot."""
        if group is None:
            return await self.sends(userid, msgtype="text", text={"content": text}, **more)
        if not mention:
            return {}
        content = {"content": f"@Aloud {text}"}
        return await self.sends(userid, group=group, msgtype="text", text=content, **more)

    async def sends(
        self, userid: str, *, group: str | None = None, **body: Any
    ) -> Mapping[str, Any]:
        """Send a message of any type."""
        self._messages += 1
        chat = group or userid
        message = {
            "msgid": f"message-{self._messages}",
            "aibotid": BOT_ID,
            "chattype": "group" if group else "single",
            **({"chatid": group} if group else {}),
            "from": {"userid": userid},
            **body,
        }
        await self.push(message)
        self._server.chats.known.add(chat)
        return message

    async def push(self, message: Mapping[str, Any]) -> None:
        """Deliver a message, also once more."""
        chat = message.get("chatid") or message["from"]["userid"]
        self._server.chats.known.add(chat)
        await self._server.push("aibot_msg_callback", message, chat=chat)

    def attaches(self, name: str, data: bytes) -> Mapping[str, Any]:
        """Upload a file, encrypted as WeCom does, and return its part of the message."""
        key = os.urandom(32)
        padding = _BLOCK - len(data) % _BLOCK
        encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
        padded = data + bytes([padding]) * padding
        self._server.files[name] = encryptor.update(padded) + encryptor.finalize()
        address = self._server.url.replace("wss://", "https://").removesuffix("/ws")
        return {"url": f"{address}/files/{name}", "aeskey": base64.b64encode(key).decode()}
