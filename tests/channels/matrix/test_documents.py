"""The complete text of a long answer, as a file in Matrix."""

from pathlib import Path

from nio import RoomEncryptedFile
from nio.crypto.attachments import decrypt_attachment

from tests.channels.matrix.driver import matrix_driver
from tests.channels.matrix.homeserver import Homeserver
from tests.channels.matrix.proxy import Fault
from tests.channels.matrix.seen import messages
from tests.channels.matrix.test_encryption import encrypted_room
from tests.channels.platform.driver import DriverSetup, text_of, until
from thinkaloud.providers.scripted import say

LONG = "\n\n".join(f"paragraph {number:04} 思 of the answer" for number in range(600))
SHORT = DriverSetup({"allow_from": ["*"], "answer_messages": 1})


async def test_a_long_answer_comes_as_its_start_and_one_file(synapse: Homeserver) -> None:
    async with matrix_driver(synapse, SHORT, [say(LONG)]) as driver:
        await driver.person_says("Long", sender=driver.ada)
        await until(driver, lambda: len(messages(driver.proxy.events)) == 2)
        await driver.lab.channel.quiet()
        answer, file = messages(driver.proxy.events)
        assert answer.visible.startswith("paragraph 0000")
        assert answer.visible.endswith("…")
        assert "paragraph 0599" not in text_of(driver, driver.ada)
        assert file.content["filename"] == "answer.md"
        media = file.content["url"].removeprefix("mxc://")
        found = await driver.admin.download(driver.ada, media)
        assert found.decode() == f"{LONG}\n"


async def test_a_file_is_sent_once_although_the_response_was_lost(synapse: Homeserver) -> None:
    async with matrix_driver(synapse, SHORT, [say(LONG)]) as driver:
        driver.proxy.faults += [Fault(), Fault(lost="response")]
        await driver.person_says("Long", sender=driver.ada)
        await until(driver, lambda: driver.lab.channel.status.pending == 1)
        await driver.lab.channel.quiet()
        assert [each.content["msgtype"] for each in messages(driver.proxy.events)] == [
            "m.text",
            "m.file",
        ]


async def test_in_an_encrypted_room_the_file_is_encrypted(
    synapse: Homeserver, tmp_path: Path
) -> None:
    async with (
        matrix_driver(synapse, SHORT, [say(LONG)], folder=tmp_path / "keys") as driver,
        encrypted_room(driver, synapse) as ada,
    ):
        files: list[RoomEncryptedFile] = []
        ada.client.add_event_callback(lambda _, event: files.append(event), RoomEncryptedFile)  # pyright: ignore[reportArgumentType, reportUnknownLambdaType, reportUnknownMemberType, reportUnknownArgumentType]
        await ada.says({"msgtype": "m.text", "body": "Long"})
        await ada.sees("paragraph 0000")
        await driver.lab.channel.quiet()
        await until(driver, lambda: bool(files))
        content = files[0].source["content"]
        media = content["file"]["url"].removeprefix("mxc://")
        data = await driver.admin.download(driver.ada, media)
        assert b"paragraph" not in data
        keys = content["file"]
        opened = decrypt_attachment(data, keys["key"]["k"], keys["hashes"]["sha256"], keys["iv"])
        assert opened.decode() == f"{LONG}\n"
        assert "paragraph 0599" not in "".join(driver.traffic())
