"""The content of a tool result: text, images and links."""

from collections.abc import Iterable, Sequence

import msgspec

from thinkaloud.events.prompt import Image


class TextContent(msgspec.Struct, frozen=True, tag="text", gc=False):
    """Text for the model."""

    text: str


class ImageContent(msgspec.Struct, frozen=True, tag="image", gc=False):
    """An image for the model. Models that accept no images get a note instead."""

    media_type: str
    """`image/png`, `image/jpeg`, `image/gif` or `image/webp`."""
    base64: str


class LinkContent(msgspec.Struct, frozen=True, tag="link", gc=False):
    """A reference to a resource that the model may ask for. Nothing fetches it unasked."""

    uri: str
    name: str = ""
    media_type: str = ""


ContentBlock = TextContent | ImageContent | LinkContent
"""One piece of a tool result."""


def text_of(content: Iterable[ContentBlock]) -> str:
    """Return the content as text. An image is represented by its type and size."""
    return "\n".join(_text(block) for block in content)


def images_of(content: Iterable[ContentBlock]) -> Sequence[Image]:
    """Return the images of the content, in order."""
    return [
        Image(block.media_type, block.base64)
        for block in content
        if isinstance(block, ImageContent)
    ]


def _text(block: ContentBlock) -> str:
    match block:
        case TextContent():
            return block.text
        case ImageContent():
            return f"[image: {block.media_type}, {len(block.base64) * 3 // 4:,} bytes]"
        case LinkContent():
            label = " ".join(part for part in (block.name, block.media_type) if part)
            return f"[link: {block.uri}]" if not label else f"[link: {block.uri} ({label})]"
