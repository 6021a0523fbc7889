"""Messages from WeChat, and failures while receiving."""

import base64
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from tests.channels.wechat.fake.people import FIRST_ID
from tests.channels.wechat.fake.server import FakeWeChat, Fault
from tests.channels.wechat.world import ADA, connected, opened, wechat
from thinkaloud.channels.platform.errors import Rejected
from thinkaloud.channels.platform.message import ChatMessage, Fetch
from thinkaloud.channels.wechat.api import Api
from thinkaloud.channels.wechat.media import MediaFiles, file_key
from thinkaloud.channels.wechat.protocol import Media, Message
from thinkaloud.channels.wechat.read import read_message
from thinkaloud.providers.scripted import say

KEY = bytes(range(16))
NUMBERS = b"a,b\n1,2\n" * 100


def encrypted(data: bytes) -> bytes:
    padding = PKCS7(128).padder()
    cipher = Cipher(algorithms.AES(KEY), modes.ECB()).encryptor()
    return cipher.update(padding.update(data) + padding.finalize()) + cipher.finalize()


def keep_file(server: FakeWeChat, data: bytes) -> dict[str, Any]:
    """Put a file on the CDN and return the part of a message that names it."""
    server.files["param=/+"] = encrypted(data)
    aes_key = base64.b64encode(KEY.hex().encode()).decode()
    media = {"encrypt_query_param": "param=/+", "aes_key": aes_key, "encrypt_type": 1}
    return {"type": 4, "file_item": {"media": media, "file_name": "n.csv", "len": str(len(data))}}


def read(**fields: Any) -> ChatMessage | None:
    def download(media: Media, key: str) -> Fetch:
        async def fetch(most: int) -> bytes:
            return f"{media.encrypt_query_param} {key}".encode()

        return fetch

    base = {"message_id": 1, "from_user_id": ADA, "message_type": 1, "message_state": 2}
    message = msgspec.convert(base | fields, Message)
    return read_message("wechat", message, "bot-1@im.bot", download)


def text(value: str, **fields: Any) -> dict[str, Any]:
    return {"type": 1, "text_item": {"text": value}} | fields


async def test_a_file_is_decrypted_and_given_to_the_model() -> None:
    async with wechat() as world, connected(world, [say("Two.")]) as lab:
        item = keep_file(world.server, NUMBERS)
        world.people.says("", user=ADA, item_list=[text("How many columns?"), item])
        assert await world.sees(1) == ["Two."]
        request = repr(lab.model.requests[0])
        assert "n.csv" in request
        assert "How many columns?" in request


async def test_a_message_that_nobody_understands_stops_nothing() -> None:
    async with wechat() as world, connected(world, [say("Blue.")]):
        world.people.says("", user=ADA, item_list="not a list")
        world.people.says("", user=ADA, item_list=[{"type": 99}])
        world.people.says("Why?", user=ADA)
        assert (await world.sees(2))[-1] == "Blue."


async def test_null_is_the_same_as_nothing_and_digits_may_be_quoted() -> None:
    async with wechat() as world, connected(world, [say("Blue.")]):
        part = text("Why?", ref_msg=None, voice_item=None)
        fields: dict[str, Any] = {"group_id": None, "message_type": "1", "create_time_ms": None}
        world.people.says("", user=ADA, item_list=[part], **fields)
        assert await world.sees(1) == ["Blue."]


async def test_an_id_beyond_the_precision_of_a_double_is_exact() -> None:
    found = read(message_id=2**64 - 1, item_list=[text("Hi")])
    assert found is not None
    assert found.message_id == "18446744073709551615"
    assert FIRST_ID > 2**53


async def test_two_messages_with_neighbouring_ids_are_both_answered() -> None:
    async with wechat() as world, connected(world, [say("One.")], [say("Two.")]):
        world.people.says("A", user=ADA)
        world.people.says("B", user=ADA)
        assert await world.sees(2) == ["One.", "Two."]


async def test_after_a_restart_old_messages_are_not_fetched_again() -> None:
    async with wechat() as world:
        async with connected(world, [say("One.")]) as lab:
            world.people.says("A", user=ADA)
            await world.sees(1)
            await world.until(lambda: not lab.channel.status.pending)
        world.server.calls.clear()
        async with connected(world, [say("Two.")]):
            world.people.says("B", user=ADA)
            assert await world.sees(2) == ["One.", "Two."]
        cursors = {call.body["get_updates_buf"] for call in world.server.called("getupdates")}
        assert "" not in cursors
        assert cursors


async def test_another_login_does_not_use_the_old_cursor() -> None:
    async with wechat() as world:
        async with connected(world, [say("One.")]):
            world.people.says("A", user=ADA)
            await world.sees(1)
        world.environment = {"WECHAT_TOKEN": "another"}
        world.server.tokens.add("another")
        world.server.calls.clear()
        async with connected(world, [say("Two.")]):
            world.people.says("B", user=ADA)
            assert (await world.sees(2))[-1] == "Two."
        assert world.server.called("getupdates")[0].body["get_updates_buf"] == ""


async def test_replayed_messages_renew_no_quota_and_are_not_answered_again() -> None:
    async with wechat() as world, connected(world, [say("One.")], [say("Two.")]) as lab:
        first = world.people.says("A", user=ADA)
        await world.sees(1)
        world.people.says("B", user=ADA)
        world.people.repeats(first)
        world.people.repeats(first)
        assert await world.sees(2) == ["One.", "Two."]
        assert len(lab.model.requests) == 2
        tokens = [call.body["msg"]["context_token"] for call in world.server.called("sendmessage")]
        assert len(set(tokens)) == 2


async def test_a_short_outage_is_waited_out() -> None:
    async with wechat() as world, connected(world, [say("Blue.")]) as lab:
        world.server.faults = [Fault("getupdates", status=502, html=True) for _ in range(3)]
        world.server.people.written.set()
        world.people.says("Why?", user=ADA)
        assert await world.sees(1) == ["Blue."]
        assert lab.channel.status.restarts == 0


async def test_a_server_that_does_not_wait_is_asked_twice_a_second() -> None:
    async with wechat() as world, connected(world):
        world.people.hurry = True
        world.people.written.set()
        await world.seconds(1)
        before = len(world.server.called("getupdates"))
        await world.seconds(10)
        assert len(world.server.called("getupdates")) - before in range(10, 22)


async def test_a_long_outage_is_reported_and_ends_by_itself() -> None:
    async with wechat() as world:
        world.server.faults = [Fault("getupdates", status=502) for _ in range(6)]
        async with opened(world, [say("Blue.")]) as lab:
            await world.until(lambda: lab.channel.status.condition == "retrying")
            assert "getupdates: HTTP 502" in lab.channel.status.detail
            world.people.says("Why?", user=ADA)
            assert await world.sees(1) == ["Blue."]


async def test_wechat_is_told_when_the_bot_starts_and_stops() -> None:
    async with wechat() as world:
        async with connected(world):
            assert len(world.server.called("msg/notifystart")) == 1
        assert len(world.server.called("msg/notifystop")) == 1


async def test_a_person_who_may_not_write_any_more_gets_nothing_of_a_rest() -> None:
    async with wechat() as world:
        async with connected(world, [say("x" * 20_000)]) as lab:
            world.people.says("Long", user=ADA)
            await world.sees(7)
            await world.until(lambda: not lab.channel.status.pending)
        async with connected(world, allow_from=()):
            world.people.says("more", user=ADA)
            texts = await world.sees(8)
            await world.seconds(10)
            assert "channels pair" in texts[7]
            assert len(world.texts()) == 8


def test_what_is_no_message_of_a_person_is_ignored() -> None:
    parts = [text("Hi")]
    assert read(item_list=parts, from_user_id="bot-1@im.bot") is None
    assert read(item_list=parts, from_user_id="") is None
    assert read(item_list=parts, group_id="1@chatroom") is None
    assert read(item_list=parts, message_state=1) is None
    assert read(item_list=parts, delete_time_ms=5) is None
    for fields in ({"message_type": 2}, {"from_user_id": "other@im.bot"}):
        found = read(item_list=parts, **fields)
        assert found is not None
        assert found.sender.is_bot


def test_what_was_said_is_read_as_text() -> None:
    found = read(item_list=[{"type": 3, "voice_item": {"text": "Hello", "media": None}}])
    assert found is not None
    assert (found.text, list(found.files)) == ("Hello", [])


def test_a_quotation_is_read() -> None:
    quoted = {"title": "Ada", "message_item": text("The sea is blue.")}
    found = read(item_list=[text("Why?", ref_msg=quoted)])
    assert found is not None
    assert (found.text, found.quoted) == ("Why?", "Ada\nThe sea is blue.")


async def test_all_kinds_of_files_are_read() -> None:
    media = {"encrypt_query_param": "p"}
    found = read(
        item_list=[
            {"type": 2, "image_item": {"media": media, "aeskey": "00"}},
            {"type": 3, "voice_item": {"media": media}},
            {"type": 4, "file_item": {"media": media, "file_name": "a.txt", "len": "12"}},
            {"type": 4, "file_item": {"media": media, "len": "many"}},
            {"type": 5, "video_item": {"media": media}},
            {"type": 2, "image_item": {"media": None}},
        ]
    )
    assert found is not None
    names = [(file.name, file.size) for file in found.files]
    assert names == [
        ("image.jpg", None),
        ("voice.silk", None),
        ("a.txt", 12),
        ("file", None),
        ("video.mp4", None),
    ]
    assert await found.files[0].fetch(10) == b"p 00"


@pytest.mark.parametrize(
    ("encoded", "hex_key"),
    [
        (base64.b64encode(KEY).decode(), ""),
        (base64.b64encode(KEY.hex().encode()).decode(), ""),
        ("", KEY.hex()),
        ("not base64", KEY.hex()),
    ],
)
def test_a_key_is_read_in_each_of_its_forms(encoded: str, hex_key: str) -> None:
    assert file_key(encoded, hex_key) == KEY


@pytest.mark.parametrize(("encoded", "hex_key"), [("!", ""), ("YQ==", ""), ("", "zz"), ("", "00")])
def test_an_unreadable_key_is_refused(encoded: str, hex_key: str) -> None:
    with pytest.raises(Rejected, match="key"):
        file_key(encoded, hex_key)


async def test_a_file_that_is_too_large_or_damaged_is_refused() -> None:
    async with wechat() as world:
        api = Api(world.server.base)
        downloads = MediaFiles(api, f"{world.server.base}/c2c")
        keep_file(world.server, NUMBERS)
        fetch = downloads.fetch(Media("param=/+"), KEY.hex())
        assert await fetch(len(NUMBERS)) == NUMBERS
        with pytest.raises(Rejected, match="more than"):
            await fetch(len(NUMBERS) - 1)
        world.server.files["param=/+"] = b"x" * 33
        with pytest.raises(Rejected, match="decrypted"):
            await fetch(1_000)
        with pytest.raises(Rejected, match="404"):
            await downloads.fetch(Media("missing"))(1_000)
        await api.close()


@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/latest",
        "https://example.com/x",
        "https://notweixin.qq.com/x",
        "http://a.weixin.qq.com/x",
        "https://weixin.qq.com.example.org/x",
        "file:///etc/passwd",
    ],
)
def test_files_are_fetched_only_from_wechat(address: str) -> None:
    downloads = MediaFiles(Api("https://ilinkai.weixin.qq.com"), "https://cdn.example.net/c2c")
    with pytest.raises(Rejected, match="CDN"):
        downloads.address(Media(full_url=address))
    own = "https://novac2c.cdn.weixin.qq.com/c2c/download?x=1"
    assert downloads.address(Media(full_url=own)) == own
