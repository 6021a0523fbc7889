"""Attachments of a message: the files it names, or those of the message it replaces."""

from collections.abc import Mapping

import msgspec

from thinkaloud.errors import InvalidRequest
from thinkaloud.events.event import Attachment, UserInput
from thinkaloud.events.fold import RunFold
from thinkaloud.ports.attachments import Attachments, FileField
from thinkaloud.ports.model import ModelInfo


class FileNames(msgspec.Struct, frozen=True):
    """The names of the files attached to a message."""

    context_files: tuple[str, ...] = ()
    image_path: str | None = None

    def __bool__(self) -> bool:
        return bool(self.context_files) or self.image_path is not None

    @property
    def in_order(self) -> tuple[tuple[str, FileField], ...]:
        """Each name with its request field; `image_path` comes last."""
        files: list[tuple[str, FileField]] = [
            (name, "context_files") for name in self.context_files
        ]
        if self.image_path is not None:
            files.append((self.image_path, "image_path"))
        return tuple(files)


def names_of(
    context_files: tuple[str, ...] | None, image_path: str | None, replaced: RunFold | None
) -> FileNames:
    """Return the files that a request names; if it names none, those of the run it replaces."""
    if replaced is not None and context_files is None and image_path is None:
        return _file_names(replaced.started.input)
    return FileNames(context_files or (), image_path)


def attachments_of(run: RunFold | None) -> Mapping[str, Attachment]:
    """Return the attachments of a run by name, even if the files have since changed."""
    if run is None:
        return {}
    names = _file_names(run.started.input).in_order
    return {
        name: msgspec.structs.replace(file, id=name, kept_in=_source_run_id(file, run))
        for (name, _), file in zip(names, run.attachments, strict=False)
    }


def _source_run_id(file: Attachment, run: RunFold) -> str:
    # Files in old logs have no id to look them up by: their content is written again.
    return file.kept_in or (run.run_id if file.id else "")


async def load_attachments(
    owner: str,
    names: FileNames,
    kept: Mapping[str, Attachment],
    reads: Attachments,
    model: ModelInfo,
    max_bytes: int,
) -> tuple[Attachment, ...]:
    """Return the files in order, from `kept` or else read through `reads`.

    Raises `InvalidRequest` naming the file if it cannot be read, if it is an image and the model
    doesn't accept images, if `image_path` is not an image, or if the total exceeds `max_bytes`.
    """
    found: list[Attachment] = []
    for name, field in names.in_order:
        file = kept.get(name) or await reads.read(owner, name, field)
        _check(file, field, model)
        found.append(file)
        if sum(_size(each) for each in found) > max_bytes:
            message = (
                f"The files of a message can have at most {max_bytes:,} bytes in total;"
                f" {file.name!r} exceeds that."
            )
            raise InvalidRequest(message, field=field)
    return tuple(found)


def checked_images(images: tuple[Attachment, ...], model: ModelInfo) -> tuple[Attachment, ...]:
    """Return images whose content came with the request.

    Raises `InvalidRequest` if the model doesn't accept images.
    """
    for file in images:
        _check(file, "image_path", model)
    return images


def _check(file: Attachment, field: FileField, model: ModelInfo) -> None:
    if file.base64 and not model.images:
        message = f"{model.id} does not accept images, and {file.name!r} is one."
        raise InvalidRequest(message, field=field)
    if field == "image_path" and not file.base64:
        message = f"{file.name!r} is not a PNG, JPEG, GIF or WebP image."
        raise InvalidRequest(message, field=field)


def _size(file: Attachment) -> int:
    return len(file.base64) * 3 // 4 + len(file.text) if file.bytes is None else file.bytes


def _file_names(given: UserInput) -> FileNames:
    return FileNames(given.context_files, given.image_path)
