"""Encrypted rooms, with a person who uses matrix-nio too."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from nio import AsyncClient, AsyncClientConfig, RoomMessageText
from nio.crypto.attachments import encrypt_attachment
from nio.store import SqliteMemoryStore

from tests.channels.matrix.driver import MatrixDriver, matrix_driver
from tests.channels.matrix.homeserver import Account, Homeserver
from tests.channels.matrix.proxy import Proxy
from tests.channels.platform.driver import DriverSetup
from thinkaloud.providers.scripted import say, think

CANARY = "canary7f3a91"


class Person:
    """A person with a device of her own."""

    def __init__(self, client: AsyncClient, account: Account) -> None:
        self.client = client
        self.account = account
        self.room_id = ""
        self.shown: dict[str, dict[str, Any]] = {}
        self._changed = asyncio.Condition()
        client.add_event_callback(self._on_message, RoomMessageText)  # pyright: ignore[reportArgumentType]

    async def says(self, content: dict[str, Any]) -> None:
        await self.client.room_send(
            self.room_id, "m.room.message", content, ignore_unverified_devices=True
        )

    async def sees(self, text: str) -> dict[str, Any]:
        """Wait until a message of the bot has this text, and return its content."""
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(
                lambda: any(text in each["formatted_body"] for each in self.shown.values())
            )
        return next(each for each in self.shown.values() if text in each["formatted_body"])

    async def _on_message(self, _room: object, event: RoomMessageText) -> None:
        if event.sender == self.account.user_id:
            return
        assert event.decrypted
        content = event.source["content"]
        relation = content.get("m.relates_to", {})
        replaced = relation.get("rel_type") == "m.replace"
        async with self._changed:
            key = relation["event_id"] if replaced else event.event_id
            self.shown[key] = content["m.new_content"] if replaced else content
            self._changed.notify_all()


@asynccontextmanager
async def encrypted_room(driver: MatrixDriver, server: Homeserver) -> AsyncGenerator[Person]:
    """Let a person and the bot share an encrypted room."""
    account = await driver.admin.register("ada")
    proxy = Proxy(server)
    config = AsyncClientConfig(store=SqliteMemoryStore, encryption_enabled=True)
    async with proxy.serving():
        client = AsyncClient(proxy.base, account.user_id, config=config)
        client.restore_login(account.user_id, account.device_id, account.access_token)
        person = Person(client, account)
        encryption = {"algorithm": "m.megolm.v1.aes-sha2"}
        content = {
            "preset": "private_chat",
            "invite": [driver.bot.user_id],
            "initial_state": [{"type": "m.room.encryption", "content": encryption}],
        }
        path = "/_matrix/client/v3/createRoom"
        made = await driver.admin.call("POST", path, account.access_token, content)
        person.room_id = made["room_id"]
        await driver.join(person.room_id)
        async with asyncio.TaskGroup() as tasks:
            syncing = tasks.create_task(client.sync_forever(timeout=30_000, full_state=True))
            await client.synced.wait()
            try:
                yield person
            finally:
                syncing.cancel()
                await client.close()
                client.store.database.close()


async def test_a_conversation_in_an_encrypted_room_is_readable_for_its_members_only(
    synapse: Homeserver, tmp_path: Path
) -> None:
    script = [think("Thought " + CANARY), say("Blue " + CANARY)]
    setup = DriverSetup({"allow_from": ["*"]})
    async with (
        matrix_driver(synapse, setup, script, folder=tmp_path / "keys") as driver,
        encrypted_room(driver, synapse) as ada,
    ):
        await ada.says({"msgtype": "m.text", "body": "Why?"})
        shown = await ada.sees("Blue")
        assert shown["body"] == "Blue " + CANARY
        assert "Thought " + CANARY in shown["formatted_body"]
        assert not any(CANARY in call for call in driver.traffic())
        assert {event.kind for event in driver.proxy.events} == {"m.room.encrypted"}
        # The device and its keys outlive a restart.
        await driver.restart([say("Still here.")])
        await ada.says({"msgtype": "m.text", "body": "And now?"})
        await ada.sees("Still here.")
        assert "And now?" in str(driver.lab.model.requests[0])


async def test_an_encrypted_file_is_read(synapse: Homeserver) -> None:
    setup = DriverSetup({"allow_from": ["*"]})
    async with (
        matrix_driver(synapse, setup, [say("Read it.")]) as driver,
        encrypted_room(driver, synapse) as ada,
    ):
        encrypted, keys = encrypt_attachment(b"what the file says")
        uploaded, _ = await ada.client.upload(
            lambda *_: encrypted, "application/octet-stream", filesize=len(encrypted)
        )
        file = {**keys, "url": uploaded.content_uri}
        info = {"mimetype": "text/plain", "size": 18}
        await ada.says({"msgtype": "m.file", "body": "notes.txt", "file": file, "info": info})
        await ada.sees("Read it.")
        assert "what the file says" in str(driver.lab.model.requests[0])


async def test_without_encryption_nothing_is_written_into_an_encrypted_room(
    synapse: Homeserver,
) -> None:
    setup = DriverSetup({"allow_from": ["*"], "encryption": False})
    async with (
        matrix_driver(synapse, setup, [say("Never.")]) as driver,
        encrypted_room(driver, synapse) as ada,
    ):
        content = {"msgtype": "m.text", "body": "Not encrypted"}
        path = f"/_matrix/client/v3/rooms/{ada.room_id}/send/m.room.message/1"
        await driver.admin.call("PUT", path, ada.account.access_token, content)
        async with asyncio.timeout(30), driver.proxy.changed:
            await driver.proxy.changed.wait_for(lambda: driver.lab.model.requests)
        await driver.lab.channel.quiet()
        assert driver.proxy.events == []
