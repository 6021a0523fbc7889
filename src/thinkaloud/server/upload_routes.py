"""Files that users bring along, for `context_files` and `image_path`."""

import unicodedata
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from thinkaloud.errors import InvalidRequest
from thinkaloud.server.forms import FORM_TYPE, Part, read_form
from thinkaloud.server.operation import Answer, Operation, json_response
from thinkaloud.server.problems import Refused
from thinkaloud.server.reading import read_limited
from thinkaloud.server.services import LOCAL_OWNER, ServerServices
from thinkaloud.tools.attachments import MAX_IMAGE_BYTES, MAX_TEXT_BYTES, image_type

MAX_NAME_CHARS: Final = 200
_FRAMING_BYTES: Final = 16 * 1024
"""What boundaries and part headers may take beside the file."""
_UNNAMED: Final = "file"
_MARKUP: Final = str.maketrans('"<>', "___")


class UploadForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A form with one file."""

    file: Annotated[
        str,
        Meta(
            description="A picture (PNG, JPEG, GIF or WebP) or a text in UTF-8.",
            extra_json_schema={"format": "binary", "contentMediaType": "application/octet-stream"},
        ),
    ]


class Uploaded(msgspec.Struct, frozen=True):
    """A file that is kept."""

    id: Annotated[str, Meta(description="For `context_files` and `image_path`.")]
    name: Annotated[str, Meta(description="What it was called, without folders.")]
    media_type: Annotated[str, Meta(description="By its content, not by what the client said.")]
    bytes: int


class UploadRoutes:
    """`/upload`."""

    def __init__(self, services: ServerServices) -> None:
        self._services = services

    def operations(self) -> list[Operation]:
        """Return what can be asked for."""
        return [
            Operation(
                method="POST",
                path="/api/v1/upload",
                name="upload",
                summary="Bring a file along for messages",
                description=(
                    "One file, as the part `file` of a form. What it is, its content says. The"
                    " oldest uploads go where there are more than `server.max_uploads`."
                ),
                tag="uploads",
                handler=self.upload,
                body=UploadForm,
                body_type=FORM_TYPE,
                answers={201: Answer("It is kept.", Uploaded)},
            )
        ]

    async def upload(self, request: Request) -> Response:
        """Keep the file of a form."""
        limit = self._services.settings.max_upload_bytes
        body = await read_limited(request, self._services.settings, limit + _FRAMING_BYTES)
        file = _only_file(read_form(request.headers.get("content-type", ""), body))
        media_type = _checked(file.data, limit)
        name = shown_name(file.file_name or "")
        kept = await self._services.uploads.keep(LOCAL_OWNER, name, media_type, file.data)
        return json_response(Uploaded(kept.id, kept.name, kept.media_type, kept.bytes), 201)


def shown_name(given: str) -> str:
    """Return what a client calls a file as a label: one line, no folders, no markup."""
    last = given.replace("\\", "/").rpartition("/")[2].translate(_MARKUP)
    visible = "".join(each for each in last if not _is_control(each))
    return visible.strip()[:MAX_NAME_CHARS].strip(" .") or _UNNAMED


def _is_control(character: str) -> bool:
    category = unicodedata.category(character)
    return category.startswith("C") or category in {"Zl", "Zp"}


def _only_file(parts: Sequence[Part]) -> Part:
    if len(parts) != 1 or parts[0].name != "file" or parts[0].file_name is None:
        raise InvalidRequest("The form must have one file, as its part `file`.", field="file")
    return parts[0]


def _checked(data: bytes, limit: int) -> str:
    """Return the media type of a file that may be kept."""
    if not data:
        raise InvalidRequest("The file is empty.", field="file")
    media_type = image_type(data)
    if media_type is None and not _is_text(data):
        raise Refused(
            415,
            "unsupported_media_type",
            "Taken are PNG, JPEG, GIF and WebP pictures, and texts in UTF-8.",
            field="file",
        )
    limit = min(limit, MAX_TEXT_BYTES if media_type is None else MAX_IMAGE_BYTES)
    if len(data) > limit:
        kind = "a text" if media_type is None else "a picture"
        message = f"The file is larger than the {limit:,} bytes that {kind} may have."
        raise Refused(413, "body_too_large", message, field="file")
    return media_type or "text/plain"


def _is_text(data: bytes) -> bool:
    try:
        return "\0" not in data.decode()
    except UnicodeDecodeError:
        return False
