"""The token: from the environment, or from the login in the channel's private folder."""

import os
import secrets
from pathlib import Path
from typing import Final

import msgspec
from typing_extensions import override

from thinkaloud.channels.platform.errors import Misconfigured
from thinkaloud.channels.platform.platform import PlatformContext
from thinkaloud.channels.wechat.settings import WeChatSettings

LOG_IN: Final = "run `thinkaloud channels login wechat`"
_FILE: Final = "login.json"


class Credentials(msgspec.Struct, frozen=True):
    """A login."""

    token: str
    base: str
    """The address to call."""
    account: str = ""
    """The bot's id."""
    user: str = ""
    """The id of the person who has scanned the code."""

    @override
    def __repr__(self) -> str:
        """Without the token."""
        return f"Credentials({self.account!r})"


def find_credentials(settings: WeChatSettings, context: PlatformContext) -> Credentials:
    """Return the credentials. Raises `Misconfigured` if there are none. Blocks briefly."""
    if settings.token_env:
        token = context.environment.get(settings.token_env, "").strip()
        if not token:
            raise Misconfigured(f"{settings.token_env} is not set: it should contain the token")
        return Credentials(token, settings.api_base)
    found = load(context.folder)
    if found is None:
        raise Misconfigured(f"nobody has logged in to WeChat yet: {LOG_IN}")
    return found


def load(folder: Path | None) -> Credentials | None:
    """Return the stored login; None if there is none. Raises `Misconfigured` if it is unreadable."""
    if folder is None:
        return None
    try:
        return msgspec.json.decode((folder / _FILE).read_bytes(), type=Credentials)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise Misconfigured(
            f"the stored login is unreadable ({type(error).__name__}): {LOG_IN}"
        ) from None


def store(folder: Path, credentials: Credentials) -> None:
    """Store a login with mode 0600, at once or not at all. Raises `Misconfigured`. Blocks briefly."""
    draft = folder / f".{_FILE}.{secrets.token_hex(8)}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(credentials))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder / _FILE)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Misconfigured(f"the login cannot be stored: {error.strerror}") from None
