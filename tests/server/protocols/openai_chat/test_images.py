"""Images that requests refer to by URL."""

import base64

import pytest

from tests.tools.web import Handler, NameServer, page, serving
from thinkaloud.errors import InvalidRequest
from thinkaloud.events.prompt import Image
from thinkaloud.server.protocols.images import MAX_FETCHED, ImageReader
from thinkaloud.tools import UrlGuard

PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(16)


def reader(port: int) -> ImageReader:
    """A reader that may reach one server of this machine."""
    guard = UrlGuard(allow_private=frozenset({f"127.0.0.1:{port}"}), lookup=NameServer())
    return ImageReader(guard, "messages")


async def test_an_image_is_fetched_and_its_type_determined_by_its_content() -> None:
    async with serving(page(PIXEL, "text/html")) as site:
        found = await reader(site.port).read(f"http://127.0.0.1:{site.port}/cat.jpg")
    assert found == Image("image/png", base64.b64encode(PIXEL).decode())


@pytest.mark.parametrize(
    "handler", [page("<html>", "image/png"), page(PIXEL, "image/png", status=404)]
)
async def test_a_file_that_is_not_an_image_is_refused(handler: Handler) -> None:
    async with serving(handler) as site:
        with pytest.raises(InvalidRequest) as refused:
            await reader(site.port).read(f"http://127.0.0.1:{site.port}/cat.png")
    assert refused.value.field == "messages"


async def test_a_request_can_name_only_some_images_by_url() -> None:
    async with serving(page(PIXEL, "image/png")) as site:
        images = reader(site.port)
        url = f"http://127.0.0.1:{site.port}/cat.png"
        for _ in range(MAX_FETCHED):
            await images.read(url)
        with pytest.raises(InvalidRequest, match="at most"):
            await images.read(url)
        assert len(site.requests) == MAX_FETCHED


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "10.0.0.7", "169.254.169.254", "localhost"])
async def test_an_address_that_is_not_public_is_never_reached(host: str) -> None:
    images = ImageReader(UrlGuard(lookup=NameServer(localhost=[["127.0.0.1"]])), "messages")
    async with serving(page(PIXEL, "image/png")) as site:
        with pytest.raises(InvalidRequest):
            await images.read(f"http://{host}:{site.port}/cat.png")
        assert site.requests == []
