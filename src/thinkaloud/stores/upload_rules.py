"""What becomes of which upload, wherever they are kept. Pure, but for the random id."""

import secrets
from collections.abc import Collection, Iterable

import msgspec

from thinkaloud.ports.clock import Clock
from thinkaloud.ports.uploads import Upload, UploadCursor, UploadQuota


def described(owner: str, name: str, media_type: str, data: bytes, clock: Clock) -> Upload:
    """Return what is known of a new upload, under a new random id."""
    upload_id = f"upl_{secrets.token_hex(16)}"
    return Upload(upload_id, owner, name, media_type, len(data), clock.unix_ms())


def too_many(new: Upload, uploads: Iterable[Upload], room: UploadQuota) -> list[Upload]:
    """Return the owner's uploads, the oldest ones, for which there is no room, the new one never among them."""
    files, taken = 1, new.bytes
    gone: list[Upload] = []
    for upload in newest(new.owner, uploads):
        if upload.id == new.id:
            continue
        files += 1
        taken += upload.bytes
        if files > room.files or taken > room.bytes:
            gone.append(upload)
    return gone


def newest(
    owner: str, uploads: Iterable[Upload], before: UploadCursor | None = None
) -> list[Upload]:
    """Return this owner's uploads after a place, the newest first."""
    own = (each for each in uploads if each.owner == owner)
    after = [each for each in own if before is None or place_of(each) < before]
    return sorted(after, key=place_of, reverse=True)


def place_of(upload: Upload) -> UploadCursor:
    """Return where an upload stands in a list."""
    return upload.created_at_ms, upload.id


def uses(upload: Upload, owner: str, conversation_id: str) -> bool:
    """Whether this conversation of this owner's uses an upload."""
    return upload.owner == owner and conversation_id in upload.conversations


def used_by(upload: Upload, conversation_id: str) -> Upload:
    """Return the upload with one more conversation that uses it."""
    if conversation_id in upload.conversations:
        return upload
    users = (*upload.conversations, conversation_id)
    return msgspec.structs.replace(upload, conversations=users)


def released(upload: Upload, conversation_id: str) -> Upload:
    """Return the upload without this conversation."""
    users = tuple(each for each in upload.conversations if each != conversation_id)
    return msgspec.structs.replace(upload, conversations=users)


def users(uploads: Iterable[Upload]) -> Collection[tuple[str, str]]:
    """Return every conversation that uses one of these, with its owner."""
    return {(each.owner, user) for each in uploads for user in each.conversations}
