"""Rules for uploads, shared by all upload stores. Pure, except for the random id."""

import secrets
from collections.abc import Collection, Iterable

import msgspec

from thinkaloud.ports.clock import Clock
from thinkaloud.ports.uploads import Upload, UploadCursor, UploadQuota


def described(owner: str, name: str, media_type: str, data: bytes, clock: Clock) -> Upload:
    """Return the metadata of a new upload, with a random id."""
    upload_id = f"upl_{secrets.token_hex(16)}"
    return Upload(upload_id, owner, name, media_type, len(data), clock.unix_ms())


def too_many(new: Upload, uploads: Iterable[Upload], room: UploadQuota) -> list[Upload]:
    """Return the owner's oldest uploads that exceed the quota, never the new one."""
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
    """Return this owner's uploads after the cursor, newest first."""
    own = (each for each in uploads if each.owner == owner)
    after = [each for each in own if before is None or place_of(each) < before]
    return sorted(after, key=place_of, reverse=True)


def place_of(upload: Upload) -> UploadCursor:
    """Return the cursor of an upload."""
    return upload.created_at_ms, upload.id


def uses(upload: Upload, owner: str, conversation_id: str) -> bool:
    """Whether this owner's conversation uses an upload."""
    return upload.owner == owner and conversation_id in upload.conversations


def used_by(upload: Upload, conversation_id: str) -> Upload:
    """Return the upload with this conversation added to its users."""
    if conversation_id in upload.conversations:
        return upload
    users = (*upload.conversations, conversation_id)
    return msgspec.structs.replace(upload, conversations=users)


def released(upload: Upload, conversation_id: str) -> Upload:
    """Return the upload with this conversation removed from its users."""
    users = tuple(each for each in upload.conversations if each != conversation_id)
    return msgspec.structs.replace(upload, conversations=users)


def users(uploads: Iterable[Upload]) -> Collection[tuple[str, str]]:
    """Return the owner and id of every conversation that uses one of these uploads."""
    return {(each.owner, user) for each in uploads for user in each.conversations}
