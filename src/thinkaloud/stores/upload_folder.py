"""The upload folder. Changes are serialized; all methods block."""

import os
import re
from collections.abc import Collection, Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Final

import msgspec

from thinkaloud.errors import StoreError
from thinkaloud.ports.uploads import UPLOAD_ID, Upload, UploadQuota
from thinkaloud.stores.upload_rules import released, too_many, used_by, uses

_ID: Final = re.compile(UPLOAD_ID)
_NOTE: Final = ".json"
_FRESH: Final = ".new"


class UploadFolder:
    """Stores each upload as `<32 hex>`, with its metadata in `<32 hex>.json`.

    Both have mode 0600 and are renamed into place once complete. A file without metadata is
    ignored, and deleted on the first change after a start. Methods raise `StoreError` if reading
    or writing fails.
    """

    def __init__(self, folder: Path, room: UploadQuota) -> None:
        self._folder = folder
        self._room = room
        self._lock = Lock()
        self._swept = False

    def keep(self, upload: Upload, data: bytes) -> None:
        """Write a file, creating the folder if needed. Deletes the oldest files over the quota."""
        with self._changing():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(self._place(upload.id), data)
            self._note(upload)
            for old in too_many(upload, self.uploads(), self._room):
                self._remove(old.id)

    def get(self, owner: str, upload_id: str) -> tuple[Upload, bytes] | None:
        """Read a file of this owner."""
        with _explained(self._folder):
            upload = self._find(owner, upload_id)
            if upload is None:
                return None
            try:
                return upload, self._place(upload_id).read_bytes()
            except FileNotFoundError:
                return None

    def uploads(self) -> list[Upload]:
        """Read the metadata of all uploads."""
        with _explained(self._folder):
            notes = [_read_note(path) for path in self._folder.glob(f"*{_NOTE}")]
        return [upload for upload in notes if upload is not None]

    def delete(self, owner: str, upload_id: str) -> bool:
        """Delete a file of this owner."""
        with self._changing():
            if self._find(owner, upload_id) is None:
                return False
            self._remove(upload_id)
            return True

    def use(self, owner: str, upload_ids: Collection[str], conversation_id: str) -> None:
        """Record that a conversation uses these uploads."""
        with self._changing():
            for upload_id in upload_ids:
                upload = self._find(owner, upload_id)
                if upload is not None and not uses(upload, owner, conversation_id):
                    self._note(used_by(upload, conversation_id))

    def release(self, owner: str, conversation_id: str) -> None:
        """Remove a conversation from its uploads, and delete uploads that no other one uses."""
        with self._changing():
            for upload in self.uploads():
                if not uses(upload, owner, conversation_id):
                    continue
                left = released(upload, conversation_id)
                if left.conversations:
                    self._note(left)
                else:
                    self._remove(upload.id)

    def rename_owner(self, owner: str, new: str) -> int:
        """Give an owner's uploads to `new`, and return their number.

        If it fails, some have moved; repeating it moves the others.
        """
        with self._changing():
            own = [upload for upload in self.uploads() if upload.owner == owner]
            for upload in own:
                self._note(msgspec.structs.replace(upload, owner=new))
            return len(own)

    def delete_owner(self, owner: str) -> int:
        """Delete an owner's uploads, and return their number."""
        with self._changing():
            own = [upload for upload in self.uploads() if upload.owner == owner]
            for upload in own:
                self._remove(upload.id)
            return len(own)

    @contextmanager
    def _changing(self) -> Generator[None]:
        with self._lock, _explained(self._folder):
            if not self._swept and self._folder.exists():
                self._sweep()
            self._swept = True
            yield

    def _find(self, owner: str, upload_id: str) -> Upload | None:
        if not _ID.match(upload_id):
            return None
        upload = _read_note(_note_of(self._place(upload_id)))
        return upload if upload is not None and upload.owner == owner else None

    def _note(self, upload: Upload) -> None:
        _write(_note_of(self._place(upload.id)), msgspec.json.encode(upload))

    def _remove(self, upload_id: str) -> None:
        place = self._place(upload_id)
        _note_of(place).unlink(missing_ok=True)
        place.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Delete files that a crashed process left incomplete."""
        for path in list(self._folder.iterdir()):
            half = _ID.match(f"upl_{path.name}") is not None and not _note_of(path).exists()
            if half or path.suffix == _FRESH:
                path.unlink(missing_ok=True)

    def _place(self, upload_id: str) -> Path:
        return self._folder / upload_id.removeprefix("upl_")


def _note_of(place: Path) -> Path:
    return place.with_name(f"{place.name}{_NOTE}")


def _read_note(path: Path) -> Upload | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Upload)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise StoreError(f"{path} is damaged ({error}). Delete it.") from error


def _write(path: Path, data: bytes) -> None:
    fresh = path.with_name(f"{path.name}{_FRESH}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


@contextmanager
def _explained(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"Cannot store files in {folder}: {error.strerror}. Check its disk and its owner."
        ) from error
