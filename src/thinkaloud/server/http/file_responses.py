"""Files that users brought, as responses that no browser takes for anything else."""

from typing import Final

from starlette.responses import Response

from thinkaloud.core.conversations.filenames import content_disposition, file_label
from thinkaloud.server.http.operation import Answer
from thinkaloud.tools.attachments import image_type

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
_TEXT: Final = "text/plain; charset=utf-8"

FILE: Final = Answer(
    "What is in it, as the type that its content says; a text to be saved, never to be shown.",
    None,
    media_type=None,
    files=("text/plain", "image/png", "image/jpeg", "image/gif", "image/webp"),
)
"""A file, in the description of an operation."""


def file_response(name: str, data: bytes) -> Response:
    """Return a file. What it is, its bytes say, and not what is written about it."""
    media_type = image_type(data)
    # The type as a header: starlette would add a charset of its own.
    headers = {
        "Content-Type": media_type or _TEXT,
        "Content-Disposition": content_disposition(file_label(name), inline=media_type is not None),
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
    }
    return Response(data, headers=headers)
