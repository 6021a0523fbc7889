"""What the iLink API sends, as far as this channel reads it. Unknown fields are ignored.

Source: Tencent, `src/api/types.ts` of openclaw-weixin; https://github.com/Tencent/openclaw-weixin.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

STALE: Final = -14
"""In `ret` or `errcode`: the token is not valid any more."""
THROTTLED: Final = -2
"""In `ret` or `errcode`: too many messages, or a context token that was used up."""

TEXT: Final = 1
IMAGE: Final = 2
VOICE: Final = 3
FILE: Final = 4
VIDEO: Final = 5

FROM_BOT: Final = 2
GENERATING: Final = 1
FINISHED: Final = 2

TYPING: Final = 1
NOT_TYPING: Final = 2


class TextItem(msgspec.Struct, frozen=True):
    """Text."""

    text: str = ""


class Media(msgspec.Struct, frozen=True):
    """An encrypted file on the CDN."""

    encrypt_query_param: str = ""
    aes_key: str = ""
    """Base64 of the 16 bytes of the key, or of their 32 hexadecimal digits."""
    full_url: str = ""


class ImageItem(msgspec.Struct, frozen=True):
    """A picture."""

    media: Media | None = None
    aeskey: str = ""
    """The key in hexadecimal digits. It counts more than that of `media`."""


class VoiceItem(msgspec.Struct, frozen=True):
    """A voice message."""

    media: Media | None = None
    text: str = ""
    """The transcript, if WeChat made one."""


class FileItem(msgspec.Struct, frozen=True):
    """A file."""

    media: Media | None = None
    file_name: str = ""
    len: str | int = ""
    """The size in bytes, as digits."""


class VideoItem(msgspec.Struct, frozen=True):
    """A video."""

    media: Media | None = None


class Item(msgspec.Struct, frozen=True):
    """A part of a message."""

    type: int = 0
    text_item: TextItem | None = None
    image_item: ImageItem | None = None
    voice_item: VoiceItem | None = None
    file_item: FileItem | None = None
    video_item: VideoItem | None = None
    ref_msg: "Quoted | None" = None


class Quoted(msgspec.Struct, frozen=True):
    """The message that a part replies to."""

    title: str = ""
    message_item: Item | None = None


class Message(msgspec.Struct, frozen=True):
    """A message. Ids have up to 64 bits."""

    message_id: int | str = 0
    client_id: str = ""
    seq: int | str = 0
    from_user_id: str = ""
    group_id: str = ""
    message_type: int = 0
    message_state: int = 0
    create_time_ms: int | None = None
    delete_time_ms: int = 0
    item_list: Sequence[Item] = ()
    context_token: str = ""


class Reply(msgspec.Struct, frozen=True):
    """What every response has."""

    ret: int = 0
    errcode: int = 0
    errmsg: str = ""


class Updates(Reply, frozen=True):
    """The response of `getupdates`. Each message is converted by itself."""

    msgs: Sequence[object] = ()
    get_updates_buf: str = ""
    longpolling_timeout_ms: int = 0


class UploadUrl(Reply, frozen=True):
    """The response of `getuploadurl`: newer servers give the whole address."""

    upload_param: str = ""
    upload_full_url: str = ""


class Config(Reply, frozen=True):
    """The response of `getconfig`."""

    typing_ticket: str = ""


class QrCode(Reply, frozen=True):
    """The response of `get_bot_qrcode`."""

    qrcode: str = ""
    qrcode_img_content: str = ""
    """The address that the code contains."""


class QrStatus(Reply, frozen=True):
    """The response of `get_qrcode_status`."""

    status: str = "wait"
    bot_token: str = ""
    ilink_bot_id: str = ""
    ilink_user_id: str = ""
    """Who has scanned the code."""
    baseurl: str = ""
    redirect_host: str = ""
