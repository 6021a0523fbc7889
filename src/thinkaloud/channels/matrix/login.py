"""Finds the account's device: by the access token, or by a login that is kept."""

from collections.abc import Mapping
from typing import Final

import msgspec

from thinkaloud.channels.matrix.api import Api, Device, Unauthorized
from thinkaloud.channels.matrix.settings import MatrixSettings
from thinkaloud.channels.platform.errors import Misconfigured, Rejected
from thinkaloud.channels.platform.platform import Storage
from thinkaloud.channels.platform.stored import decoded

_KEY: Final = "device"


class Login:
    """The credentials of one account. Raises `Misconfigured` if there are none."""

    def __init__(
        self, settings: MatrixSettings, environment: Mapping[str, str], storage: Storage
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._token = environment.get(settings.access_token_env, "").strip()
        self._password = environment.get(settings.password_env or "", "")
        if not self._token and not self._password:
            names = [settings.access_token_env, settings.password_env]
            raise Misconfigured(
                f"{' and '.join([name for name in names if name])} not set: the access token or"
                " the password of the account"
            )

    async def device(self, api: Api) -> Device:
        """Return the device, after checking with the server. Raises `Misconfigured`."""
        try:
            device = await self._found(api)
        except Unauthorized:
            raise Misconfigured(
                f"the token in {self._settings.access_token_env} is not accepted"
            ) from None
        if device.user_id != self._settings.user_id:
            raise Misconfigured(
                f"the account is {device.user_id}, but user_id is {self._settings.user_id}"
            )
        if self._settings.encryption and not device.device_id:
            raise Misconfigured(
                "the token belongs to no device, which encryption needs: log in with a password,"
                " or set encryption = false"
            )
        return device

    async def _found(self, api: Api) -> Device:
        if self._token:
            return await api.use_token(self._token)
        kept = decoded(await self._storage.get(_KEY), Device)
        if kept is not None and (kept.homeserver, kept.user_id) != (
            api.homeserver,
            self._settings.user_id,
        ):
            kept = None
        if kept is not None:
            try:
                return await api.use_token(kept.access_token)
            except Unauthorized:
                pass  # It was logged out: log in again, as the same device.
        try:
            device = await api.log_in(self._password, kept.device_id if kept else None)
        except Rejected as error:
            raise Misconfigured(
                f"the password in {self._settings.password_env} is not accepted ({error.message})"
            ) from None
        await self._storage.put(_KEY, msgspec.json.encode(device))
        return device
