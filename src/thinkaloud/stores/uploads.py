"""Uploads, in files or in memory."""

import asyncio
import os
import re
import secrets
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Final

import msgspec

from thinkaloud.errors import StoreError
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.uploads import UPLOAD_ID, Upload

MAX_UPLOADS: Final = 200
"""What one owner may have at once, unless told otherwise."""
_ID: Final = re.compile(UPLOAD_ID)
_NOTE: Final = ".json"
_FRESH: Final = ".new"


class MemoryUploads:
    """Uploads that end with the process."""

    def __init__(self, clock: Clock, most: int = MAX_UPLOADS) -> None:
        """Keep at most `most` files for each owner."""
        self._clock = clock
        self._most = most
        self._kept: dict[str, tuple[Upload, bytes]] = {}

    async def keep(self, owner: str, name: str, media_type: str, data: bytes) -> Upload:
        """Keep a file; the owner's oldest makes room."""
        upload = _described(owner, name, media_type, data, self._clock)
        self._kept[upload.id] = (upload, data)
        for old in _too_many(upload, (each for each, _ in self._kept.values()), self._most):
            del self._kept[old.id]
        return upload

    async def get(self, owner: str, upload_id: str) -> tuple[Upload, bytes] | None:
        """Return a file of this owner's."""
        found = self._kept.get(upload_id)
        return found if found is not None and found[0].owner == owner else None

    async def delete(self, owner: str, upload_id: str) -> bool:
        """Delete a file of this owner's."""
        if await self.get(owner, upload_id) is None:
            return False
        del self._kept[upload_id]
        return True


class FileUploads:
    """Uploads in a folder: each is `<32 hex>`, and beside it `<32 hex>.json` that says what it is.

    Both are of mode 0600 and get their names when they are whole. A file without its note does
    not exist for anybody, and goes the next time that something is kept after a start.
    """

    def __init__(self, folder: Path, clock: Clock, most: int = MAX_UPLOADS) -> None:
        """Use this folder, which is made when it is needed, for `most` files of each owner."""
        self._folder = folder
        self._clock = clock
        self._most = most
        self._writing = Lock()
        self._swept = False

    async def keep(self, owner: str, name: str, media_type: str, data: bytes) -> Upload:
        """Keep a file; the owner's oldest makes room. Raises `StoreError`."""
        upload = _described(owner, name, media_type, data, self._clock)
        await asyncio.to_thread(self._keep, upload, data)
        return upload

    async def get(self, owner: str, upload_id: str) -> tuple[Upload, bytes] | None:
        """Return a file of this owner's. Raises `StoreError`."""
        return await asyncio.to_thread(self._get, owner, upload_id)

    async def delete(self, owner: str, upload_id: str) -> bool:
        """Delete a file of this owner's. Raises `StoreError`."""
        return await asyncio.to_thread(self._delete, owner, upload_id)

    def _keep(self, upload: Upload, data: bytes) -> None:
        with self._writing, _explained(self._folder):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sweep()
            place = self._place(upload.id)
            _write(place, data)
            _write(_note(place), msgspec.json.encode(upload))
            for old in _too_many(upload, self._notes(), self._most):
                self._remove(old.id)

    def _get(self, owner: str, upload_id: str) -> tuple[Upload, bytes] | None:
        with _explained(self._folder):
            upload = self._find(owner, upload_id)
            if upload is None:
                return None
            try:
                return upload, self._place(upload_id).read_bytes()
            except FileNotFoundError:
                return None

    def _delete(self, owner: str, upload_id: str) -> bool:
        with self._writing, _explained(self._folder):
            if self._find(owner, upload_id) is None:
                return False
            self._remove(upload_id)
            return True

    def _find(self, owner: str, upload_id: str) -> Upload | None:
        if not _ID.match(upload_id):
            return None
        upload = _read_note(_note(self._place(upload_id)))
        return upload if upload is not None and upload.owner == owner else None

    def _notes(self) -> Iterable[Upload]:
        for path in self._folder.glob(f"*{_NOTE}"):
            upload = _read_note(path)
            if upload is not None:
                yield upload

    def _remove(self, upload_id: str) -> None:
        place = self._place(upload_id)
        _note(place).unlink(missing_ok=True)
        place.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what a process left that died while it wrote."""
        if self._swept:
            return
        self._swept = True
        for path in list(self._folder.iterdir()):
            half = _ID.match(f"upl_{path.name}") is not None and not _note(path).exists()
            if half or path.suffix == _FRESH:
                path.unlink(missing_ok=True)

    def _place(self, upload_id: str) -> Path:
        return self._folder / upload_id.removeprefix("upl_")


def _described(owner: str, name: str, media_type: str, data: bytes, clock: Clock) -> Upload:
    upload_id = f"upl_{secrets.token_hex(16)}"
    return Upload(upload_id, owner, name, media_type, len(data), clock.unix_ms())


def _too_many(newest: Upload, uploads: Iterable[Upload], most: int) -> list[Upload]:
    own = sorted(
        (each for each in uploads if each.owner == newest.owner),
        key=lambda each: (each.id == newest.id, each.created_at_ms),
    )
    return own[: max(0, len(own) - most)]


def _note(place: Path) -> Path:
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
            f"Files cannot be kept in {folder}: {error.strerror}. Check its disk and who owns it."
        ) from error
