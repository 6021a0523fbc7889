"""Images in requests: data URLs, or URLs that are fetched through the URL guard."""

import base64
import binascii
import re
from typing import Final

from thinkaloud.errors import InvalidRequest, NotFound
from thinkaloud.events.prompt import Image
from thinkaloud.tools.attachments import MAX_IMAGE_BYTES, image_type
from thinkaloud.tools.guarded_get import get
from thinkaloud.tools.url_guard import UrlGuard

MAX_FETCHED: Final = 8
"""Maximum number of images that one request can name by URL."""
_SECONDS: Final = 20.0
_DATA: Final = re.compile(r"data:[^,;]{0,100}(?:;[^,;]{0,100}){0,8};base64,", re.IGNORECASE)


class ImageReader:
    """Reads the images of one request. Every error names the field `field`."""

    def __init__(self, guard: UrlGuard, field: str) -> None:
        self._guard = guard
        self._field = field
        self._fetched = 0

    async def read(self, url: str) -> Image:
        """Return the image of a data URL or a public URL. Raises `InvalidRequest`."""
        found = _DATA.match(url)
        if found is not None:
            return self.decode(url[found.end() :])
        if not url.lower().startswith(("http://", "https://")):
            raise self._invalid("An image must be a base64 data URL or an http(s) URL.")
        self._fetched += 1
        if self._fetched > MAX_FETCHED:
            raise self._invalid(f"A request can name at most {MAX_FETCHED} images by URL.")
        try:
            got = await get(
                self._guard, url, accept="image/*", max_bytes=MAX_IMAGE_BYTES, seconds=_SECONDS
            )
        except (InvalidRequest, NotFound) as error:
            raise self._invalid(error.message) from error
        if got.status != 200 or not got.complete:
            raise self._invalid("The URL of an image returned no image of an acceptable size.")
        return self._image(got.body)

    def decode(self, text: str) -> Image:
        """Return an image from its base64 text. Raises `InvalidRequest`."""
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise self._invalid("An image is not valid base64.") from error
        return self._image(data)

    def _image(self, data: bytes) -> Image:
        if len(data) > MAX_IMAGE_BYTES:
            raise self._invalid(f"An image is larger than {MAX_IMAGE_BYTES:,} bytes.")
        media_type = image_type(data)
        if media_type is None:
            raise self._invalid("An image is not a PNG, JPEG, GIF or WebP.")
        return Image(media_type, base64.b64encode(data).decode())

    def _invalid(self, message: str) -> InvalidRequest:
        return InvalidRequest(message, field=self._field)
