"""Opens the keys of a server or of a command, and checks that a server is safe to start."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from thinkaloud.auth.access import Access
from thinkaloud.auth.audit import TERMINAL
from thinkaloud.auth.carriers.local_key import LocalKey
from thinkaloud.auth.key_fields import KeyFields
from thinkaloud.auth.secret_values import KeyValue, new_key_id, new_secret, parse_key
from thinkaloud.config import Configuration, Settings
from thinkaloud.errors import ConfigurationError, StoreError
from thinkaloud.ports.clock import Clock, SystemClock
from thinkaloud.ports.keys import KeyStore
from thinkaloud.server.http.origins import is_loopback
from thinkaloud.stores.keys import MemoryKeyStore, SqliteKeyStore

_FILE_NAME: Final = "keys.db"
ADMIN_KEY_FILE: Final = "THINKALOUD_ADMIN_KEY_FILE"
"""The environment variable with the path of the file of the first admin key."""


def keys_path(configuration: Configuration) -> Path:
    """Return the path of the file with the keys."""
    return configuration.data_dir / _FILE_NAME


@asynccontextmanager
async def open_access(
    configuration: Configuration,
    clock: Clock | None = None,
    local_key: LocalKey | None = None,
) -> AsyncGenerator[Access]:
    """Open the configured keys, which other processes can use at the same time.

    Raises `ConfigurationError` if the file, the database or the proxy's secret cannot be used.
    """
    async with _open_keys(configuration) as store:
        yield _access(configuration, store, clock or SystemClock(), local_key)


@asynccontextmanager
async def _open_keys(configuration: Configuration) -> AsyncGenerator[KeyStore]:
    settings = configuration.settings.store
    if settings.kind == "postgres":
        from thinkaloud.app.postgres import open_postgres_keys  # noqa: PLC0415 - an extra

        async with open_postgres_keys(configuration) as shared:
            yield shared
        return
    path, busy_timeout = keys_path(configuration), settings.busy_timeout_seconds
    async with SqliteKeyStore.open(path, busy_timeout=busy_timeout) as store:
        yield store


@asynccontextmanager
async def open_server_access(
    configuration: Configuration,
    clock: Clock,
    *,
    persistent: bool,
    local_key: LocalKey | None = None,
) -> AsyncGenerator[Access]:
    """Open the keys of a server that is about to start.

    Creates the first admin key if `THINKALOUD_ADMIN_KEY_FILE` is set. A server that needs no
    credentials and saves nothing has its keys in memory. Raises `ConfigurationError` if the
    server must not start like this.
    """
    if configuration.settings.auth.mode == "off" and not persistent:
        access = _access(configuration, MemoryKeyStore(), clock)
        check_exposure(configuration, has_admin_key=False)
        yield access
        return
    async with open_access(configuration, clock, local_key) as access:
        try:
            await access.keyring.announce()
            await _create_first_admin_key(configuration, access)
        except StoreError as error:
            raise ConfigurationError(error.message) from error
        now = clock.unix_ms()
        keys = await access.administration.keys()
        check_exposure(configuration, has_admin_key=any(key.is_admin(now) for key in keys))
        yield access


async def record_policies(configuration: Configuration, access: Access) -> None:
    """Record in the audit log if policies of the configuration changed since the last start.

    Raises `ConfigurationError` if the file cannot be used.
    """
    try:
        await access.audit.record_policies(
            _policies(configuration.settings), default=_policies(Settings())
        )
    except StoreError as error:
        raise ConfigurationError(error.message) from error


def _policies(settings: Settings) -> str:
    """Return the policies of a configuration as one line, the same for the same policies."""
    found: dict[str, str] = {"server.show_reasoning": settings.server.show_reasoning}
    for role, of_role in settings.auth.roles.items():
        found[f"auth.roles.{role}.reasoning"] = of_role.reasoning
    channels = settings.channels
    found["channels.websocket.reasoning"] = channels.websocket.reasoning
    for name, of_channel in {**channels.plugins, **channels.platforms}.items():
        found[f"channels.{name}.reasoning"] = of_channel.reasoning
    if settings.redaction.answers:
        found["redaction.answers"] = "true"
    if settings.redaction.patterns:
        found["redaction.patterns"] = " ".join(sorted(settings.redaction.patterns))
    return ", ".join(f"{name} = {value}" for name, value in sorted(found.items()))


def check_exposure(configuration: Configuration, *, has_admin_key: bool) -> None:
    """Raise `ConfigurationError` if other machines could reach a server that lets everybody in."""
    server, mode = configuration.settings.server, configuration.settings.auth.mode
    if server.socket or is_loopback(server.host) or mode == "proxy":
        return
    if mode == "keys" and has_admin_key:
        return
    missing: list[str] = []
    if mode == "off":
        missing.append('set `mode = "keys"` under [auth] in thinkaloud.toml')
    if not has_admin_key:
        missing.append("create an admin key: thinkaloud keys create admin --role admin")
    raise ConfigurationError(
        f"server.host is {server.host!r}, which other machines can reach, so the server must"
        f" require keys. Please {', and '.join(missing)}. For this machine only, use 127.0.0.1,"
        " ::1 or localhost."
    )


def _access(
    configuration: Configuration,
    store: KeyStore,
    clock: Clock,
    local_key: LocalKey | None = None,
) -> Access:
    settings = configuration.settings
    return Access(
        store,
        clock,
        settings.auth,
        reasoning=settings.server.show_reasoning,
        proxy_secret=_proxy_secret(configuration),
        local_key=local_key,
    )


def _proxy_secret(configuration: Configuration) -> str | None:
    variable = configuration.settings.auth.proxy_secret_env
    if not variable:
        return None
    secret = configuration.environment.get(variable, "").strip()
    if not secret:
        raise ConfigurationError(
            f"auth.proxy_secret_env names {variable}, but this environment variable is not set."
        )
    return secret


async def _create_first_admin_key(configuration: Configuration, access: Access) -> None:
    """Create an admin key if there has never been one, and the environment names a file for it."""
    name = configuration.environment.get(ADMIN_KEY_FILE, "")
    if not name or any(key.role == "admin" for key in await access.administration.keys()):
        return
    await access.administration.create(
        KeyFields(name="admin", owner=configuration.owner, role="admin"),
        TERMINAL,
        _admin_key(Path(name)),
    )


def _admin_key(file: Path) -> KeyValue:
    """Return the key in a file. If there is no such file, write a new key to it."""
    path = file.expanduser()
    try:
        text = path.read_text(encoding="utf-8").strip() if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{ADMIN_KEY_FILE}: {path} cannot be read.") from error
    if not text:
        value = KeyValue(new_key_id(), new_secret())
        _write_private(path, value.text() + "\n")
        return value
    found = parse_key(text)
    if found is None:
        raise ConfigurationError(
            f"{ADMIN_KEY_FILE}: {path} does not contain a key. A key is `ta_<id>_<secret>`, with"
            " at least 32 random letters and digits as secret. If the file doesn't exist, the"
            " server creates a key and writes it there."
        )
    return found


def _write_private(path: Path, text: str) -> None:
    try:
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigurationError(
            f"{ADMIN_KEY_FILE}: {path} cannot be written: {error.strerror}."
        ) from error
