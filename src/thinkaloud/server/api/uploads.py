"""Uploads, for `context_files` and `image_path`."""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from thinkaloud.core.conversations.filenames import file_label
from thinkaloud.errors import InvalidRequest, NotFound
from thinkaloud.ports.uploads import Upload, UploadCursor
from thinkaloud.server.http.file_responses import FILE, file_response
from thinkaloud.server.http.multipart import FORM_TYPE, Part, read_form
from thinkaloud.server.http.operation import (
    Answer,
    Operation,
    json_response,
    principal_of,
)
from thinkaloud.server.http.parsing import read_limited, read_query, refuse_form
from thinkaloud.server.http.problems import Refused
from thinkaloud.server.schema.requests import UploadsQuery
from thinkaloud.server.services import ServerServices
from thinkaloud.tools.attachments import MAX_IMAGE_BYTES, MAX_TEXT_BYTES, image_type

_FRAMING_BYTES: Final = 16 * 1024
"""Allowance for boundaries and part headers in addition to the file."""


class UploadForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A form with one file."""

    file: Annotated[
        str,
        Meta(
            description="An image (PNG, JPEG, GIF or WebP) or a UTF-8 text file.",
            extra_json_schema={"format": "binary", "contentMediaType": "application/octet-stream"},
        ),
    ]


class Uploaded(msgspec.Struct, frozen=True):
    """A stored upload."""

    id: Annotated[str, Meta(description="For `context_files` and `image_path`.")]
    name: Annotated[str, Meta(description="The file name, without folders.")]
    media_type: Annotated[str, Meta(description="Determined by the content.")]
    bytes: int


class KeptUpload(msgspec.Struct, frozen=True):
    """An upload in a list."""

    id: str
    name: str
    media_type: str
    bytes: int
    created_at_ms: int


class UploadList(msgspec.Struct, frozen=True):
    """A page of uploads, newest first."""

    uploads: tuple[KeptUpload, ...]
    next_before: str | None
    """The `before` of the next page; null on the last page."""


_MISSING: Final = "There is no such upload."
_ONE: Final = "/api/v1/uploads/{upload_id}"


class UploadRoutes:
    """`/upload`, and `/uploads` and below."""

    def __init__(self, services: ServerServices) -> None:
        self._services = services

    def operations(self) -> list[Operation]:
        """Return the operations of this resource."""
        return [
            Operation(
                method="POST",
                path="/api/v1/upload",
                name="upload",
                summary="Upload a file",
                description=(
                    "One file, in the part `file` of a form. Its type is determined by its"
                    " content. The oldest uploads are deleted if there are more than"
                    " `server.max_uploads`, or more than `server.max_uploads_bytes` in total."
                ),
                tag="uploads",
                requires="chat",
                handler=self.upload,
                body=UploadForm,
                body_type=FORM_TYPE,
                answers={201: Answer("The upload.", Uploaded)},
            ),
            *self._item_operations(),
        ]

    def _item_operations(self) -> list[Operation]:
        return [
            Operation(
                method="GET",
                path="/api/v1/uploads",
                name="listUploads",
                summary="List uploads",
                tag="uploads",
                requires="read",
                handler=self.list,
                query=UploadsQuery,
                answers={200: Answer("A page of uploads.", UploadList)},
                problems=(422,),
            ),
            Operation(
                method="GET",
                path=_ONE,
                name="getUpload",
                summary="Download an upload",
                tag="uploads",
                requires="read",
                handler=self.get,
                answers={200: FILE},
                problems=(404,),
            ),
            Operation(
                method="DELETE",
                path=_ONE,
                name="deleteUpload",
                summary="Delete an upload",
                description="Runs keep their attachments.",
                tag="uploads",
                requires="chat",
                handler=self.delete,
                answers={204: Answer("Deleted.", None, media_type=None)},
                problems=(404, 415),
            ),
        ]

    async def upload(self, request: Request) -> Response:
        """Store the file of a form."""
        limit = self._services.settings.max_upload_bytes
        body = await read_limited(request, self._services.settings, limit + _FRAMING_BYTES)
        file = _only_file(read_form(request.headers.get("content-type", ""), body))
        media_type = accepted_type(file.data, limit)
        name = file_label(file.file_name or "")
        kept = await self._services.uploads.keep(
            principal_of(request).owner, name, media_type, file.data
        )
        return json_response(Uploaded(kept.id, kept.name, kept.media_type, kept.bytes), 201)

    async def list(self, request: Request) -> Response:
        """List uploads."""
        query = read_query(request, UploadsQuery)
        found = await self._services.uploads.page(
            principal_of(request).owner, before=_parse_cursor(query.before), limit=query.limit + 1
        )
        page = found[: query.limit]
        more = _cursor(page[-1]) if len(found) > query.limit else None
        return json_response(UploadList(tuple(_listed(each) for each in page), more))

    async def get(self, request: Request) -> Response:
        """Download an upload."""
        upload_id: str = request.path_params["upload_id"]
        found = await self._services.uploads.get(principal_of(request).owner, upload_id)
        if found is None:
            raise NotFound(_MISSING)
        upload, data = found
        return file_response(upload.name, data)

    async def delete(self, request: Request) -> Response:
        """Delete an upload."""
        refuse_form(request)
        upload_id: str = request.path_params["upload_id"]
        if not await self._services.uploads.delete(principal_of(request).owner, upload_id):
            raise NotFound(_MISSING)
        return Response(status_code=204)


def _listed(upload: Upload) -> KeptUpload:
    return KeptUpload(upload.id, upload.name, upload.media_type, upload.bytes, upload.created_at_ms)


def _cursor(last: Upload) -> str:
    return f"{last.created_at_ms}:{last.id}"


def _parse_cursor(cursor: str) -> UploadCursor | None:
    at_ms, _, upload_id = cursor.partition(":")
    return (int(at_ms), upload_id) if at_ms else None


def _only_file(parts: Sequence[Part]) -> Part:
    if len(parts) != 1 or parts[0].name != "file" or parts[0].file_name is None:
        raise InvalidRequest("The form must have one file, in a part named `file`.", field="file")
    return parts[0]


def accepted_type(data: bytes, limit: int) -> str:
    """Return the media type of a file. Raises `InvalidRequest` or `Refused` if it is unacceptable."""
    if not data:
        raise InvalidRequest("The file is empty.", field="file")
    media_type = image_type(data)
    if media_type is None and not _is_text(data):
        raise Refused(
            415,
            "unsupported_media_type",
            "Unsupported file. Use PNG, JPEG, GIF, WebP or a UTF-8 text file.",
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
