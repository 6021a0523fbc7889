"""Creates, changes, rotates and revokes keys, for the API and the terminal."""

from typing import Final

import msgspec

from thinkaloud.auth.audit import Actor, AuditLog
from thinkaloud.auth.key_fields import KeyChange, KeyFields, changed, new_key
from thinkaloud.auth.keyring import Keyring
from thinkaloud.auth.policies import owner_accounts
from thinkaloud.auth.secret_values import KeyValue, new_key_id, new_secret
from thinkaloud.errors import Conflict, InvalidRequest, NotFound
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.keys import ApiKey, KeySecret, KeyStore, LastAdminKey

MAX_KEYS: Final = 10_000
_MAX_SECRETS: Final = 5
_ATTEMPTS: Final = 5
_DAY_MS: Final = 86_400_000


class Issued(msgspec.Struct, frozen=True):
    """A key with its value, which is shown once and not stored."""

    key: ApiKey
    value: KeyValue


class KeyAdministration:
    """Manages keys. Everything is recorded in the audit log. Raises `StoreError`."""

    def __init__(self, store: KeyStore, keyring: Keyring, audit: AuditLog, clock: Clock) -> None:
        self._store = store
        self._keyring = keyring
        self._audit = audit
        self._clock = clock

    async def keys(self) -> list[ApiKey]:
        """Return all keys, oldest first, including revoked and expired ones."""
        return list(await self._store.keys())

    async def create(
        self, fields: KeyFields, actor: Actor, value: KeyValue | None = None
    ) -> Issued:
        """Create a key; `value` is a given one instead of a random one.

        Raises `InvalidRequest` with the field, and `Conflict` if the id exists or there are too
        many keys.
        """
        now = self._clock.unix_ms()
        if len(await self._store.keys()) >= MAX_KEYS:
            raise Conflict(f"There are {MAX_KEYS:,} keys. Revoked ones are deleted in time.")
        value = value or KeyValue(new_key_id(), new_secret())
        key = new_key(fields, value.key_id, KeySecret(1, value.digest()), now)
        if not await self._store.add_key(key):
            raise Conflict(f"A key with the id {value.key_id} exists.")
        await self._audit.record("key.created", actor, key_id=key.key_id, detail=_summary(key))
        await self._keyring.announce()
        return Issued(key, value)

    async def edit(self, key_id: str, change: KeyChange, actor: Actor) -> ApiKey:
        """Change a key. A lowered limit applies from the next run.

        Raises `NotFound`, `InvalidRequest` with the field, and `Conflict` for the last admin key.
        """
        for _ in range(_ATTEMPTS):
            before = await self._live(key_id)
            after = changed(before, change, self._clock.unix_ms())
            if await self._replace(before, after, actor):
                fields = ", ".join(sorted(_differences(before, after)))
                await self._audit.record("key.changed", actor, key_id=key_id, detail=fields)
                if after.reasoning != before.reasoning:
                    detail = f"reasoning: {before.reasoning} to {after.reasoning}"
                    await self._audit.record("policy.changed", actor, key_id=key_id, detail=detail)
                await self._keyring.announce()
                return after
        raise _busy()

    async def rotate(self, key_id: str, grace_ms: int, actor: Actor) -> Issued:
        """Give a key a new secret; the current one stays valid for the grace period.

        Raises `NotFound`, and `Conflict` if too many former secrets are still valid.
        """
        for _ in range(_ATTEMPTS):
            before, now = await self._live(key_id), self._clock.unix_ms()
            value = KeyValue(key_id, new_secret())
            former = [
                msgspec.structs.replace(
                    each, valid_until_ms=min(each.valid_until_ms or now + grace_ms, now + grace_ms)
                )
                for each in before.secrets
            ]
            valid = [each for each in former if each.is_valid(now)]
            if len(valid) >= _MAX_SECRETS:
                raise Conflict("Too many former secrets of this key are still valid.")
            number = max(each.number for each in before.secrets) + 1
            secrets = (*valid, KeySecret(number, value.digest()))
            after = msgspec.structs.replace(before, secrets=secrets)
            if await self._store.change_key(before, after):
                await self._audit.record("key.rotated", actor, key_id=key_id)
                await self._keyring.announce()
                return Issued(after, value)
        raise _busy()

    async def revoke(self, key_id: str, actor: Actor) -> ApiKey:
        """Revoke a key at once and for good. Repeating it changes nothing.

        Raises `NotFound`, and `Conflict` for the last admin key outside of the terminal.
        """
        for _ in range(_ATTEMPTS):
            before = await self._find(key_id)
            if before.revoked_at_ms is not None:
                return before
            after = msgspec.structs.replace(before, revoked_at_ms=self._clock.unix_ms(), secrets=())
            if await self._replace(before, after, actor):
                await self._audit.record("key.revoked", actor, key_id=key_id)
                await self._keyring.announce()
                return after
        raise _busy()

    async def rename_owner(self, owner: str, new: str, actor: Actor) -> int:
        """Give an owner's keys to `new`, and return their number. Revoked ones go along.

        Raises `Conflict` if others keep changing one of them.
        """
        keys = [key.key_id for key in await self._store.keys() if key.owner == owner]
        for key_id in keys:
            await self._give(key_id, owner, new)
        accounts = zip(owner_accounts(owner), owner_accounts(new), strict=True)
        await self._store.usage.rename(dict(accounts))
        await self._store.selections.rename(owner, new)
        await self._audit.record("owner.renamed", actor, detail=f"{owner} to {new}")
        await self._keyring.announce()
        return len(keys)

    async def delete_owner(self, owner: str, actor: Actor) -> int:
        """Revoke an owner's keys, and return their number.

        Raises `Conflict` for the last admin key outside of the terminal.
        """
        live = [key for key in await self._store.keys() if key.owner == owner and key.secrets]
        for key in live:
            await self.revoke(key.key_id, actor)
        await self._store.usage.delete(owner_accounts(owner))
        await self._store.selections.delete(owner)
        await self._audit.record("owner.deleted", actor, detail=owner)
        return len(live)

    async def _give(self, key_id: str, owner: str, new: str) -> None:
        for _ in range(_ATTEMPTS):
            before = await self._find(key_id)
            if before.owner != owner:
                return
            after = msgspec.structs.replace(before, owner=new)
            if await self._store.change_key(before, after):
                return
        raise _busy()

    async def clean(self, days: float) -> None:
        """Delete keys that were revoked or expired this long ago."""
        before = self._clock.unix_ms() - round(days * _DAY_MS)
        old = [key.key_id for key in await self._store.keys() if not _is_recent(key, before)]
        if old:
            await self._store.forget_keys(old)

    async def _replace(self, before: ApiKey, after: ApiKey, actor: Actor) -> bool:
        now = self._clock.unix_ms()
        keep = now if before.is_admin(now) and not actor.is_terminal else None
        try:
            return await self._store.change_key(before, after, keep_admin_at_ms=keep)
        except LastAdminKey:
            raise Conflict(
                "This is the last admin key. Create another one first, or use the terminal:"
                f" thinkaloud keys revoke {before.key_id}"
            ) from None

    async def _find(self, key_id: str) -> ApiKey:
        for key in await self._store.keys():
            if key.key_id == key_id:
                return key
        raise NotFound("There is no key with this id: `thinkaloud keys list` shows the ids.")

    async def _live(self, key_id: str) -> ApiKey:
        key = await self._find(key_id)
        if key.revoked_at_ms is not None:
            raise InvalidRequest("This key was revoked. Create a new one.", field="id")
        return key


def _busy() -> Conflict:
    return Conflict("The key is being changed by others. Try again.")


def _summary(key: ApiKey) -> str:
    return f"{key.name}: {key.role} {key.owner}, {', '.join(sorted(key.scopes))}"


def _differences(before: ApiKey, after: ApiKey) -> set[str]:
    return {
        name for name in ApiKey.__struct_fields__ if getattr(before, name) != getattr(after, name)
    }


def _is_recent(key: ApiKey, since_ms: int) -> bool:
    ends = [each for each in (key.revoked_at_ms, key.expires_at_ms) if each is not None]
    return not ends or min(ends) >= since_ms
