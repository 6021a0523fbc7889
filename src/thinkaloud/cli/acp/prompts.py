"""Converts a prompt to a request for a run. Pure."""

import base64
import binascii
from typing import Final

import msgspec

from thinkaloud.cli.acp.messages import (
    AudioContent,
    EmbeddedResource,
    ImageContent,
    PromptContent,
    ResourceLink,
    TextContent,
)
from thinkaloud.errors import InvalidRequest
from thinkaloud.events.event import Attachment
from thinkaloud.runtime.runs.request import RunRequest
from thinkaloud.tools.attachments import MAX_IMAGE_BYTES, image_type

_FIELD: Final = "prompt"


def request_for(prompt: tuple[PromptContent, ...], request: RunRequest) -> RunRequest:
    """Return the request with a prompt's text, files and images.

    Links stay in the text, where the user mentioned them. The text of a file is context. Raises
    `InvalidRequest`.
    """
    texts: list[str] = []
    context: dict[str, object] = {}
    images: list[Attachment] = []
    for content in prompt:
        match content:
            case TextContent():
                texts.append(content.text)
            case ResourceLink():
                texts.append(f"[{content.name or content.uri}]({content.uri})")
            case ImageContent():
                images.append(_image(content.data))
            case EmbeddedResource(resource=resource) if resource.text is not None:
                context[resource.uri] = resource.text
            case EmbeddedResource(resource=resource) if resource.blob is not None:
                images.append(_image(resource.blob))
            case EmbeddedResource():
                raise InvalidRequest("A resource has neither text nor a blob.", field=_FIELD)
            case AudioContent():
                raise InvalidRequest("Prompts with audio are not supported.", field=_FIELD)
    return msgspec.structs.replace(
        request, text="".join(texts), context=context, images=tuple(images)
    )


def _image(text: str) -> Attachment:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest("An image is not valid base64.", field=_FIELD) from error
    media_type = image_type(data)
    if media_type is None or len(data) > MAX_IMAGE_BYTES:
        raise InvalidRequest(
            f"An image is not a PNG, JPEG, GIF or WebP of at most {MAX_IMAGE_BYTES:,} bytes.",
            field=_FIELD,
        )
    name = f"image.{media_type.rpartition('/')[2]}"
    return Attachment(name, media_type, base64=base64.b64encode(data).decode(), bytes=len(data))
