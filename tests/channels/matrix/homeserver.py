"""A real Synapse for the tests: a process of its own, from `.setup/synapse`, on a Unix socket."""

import base64
import contextlib
import hashlib
import hmac
import itertools
import json
import os
import socket
import subprocess
import tempfile
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

PYTHON = Path(__file__).parents[3] / ".setup" / "synapse" / "bin" / "python"
FORWARDED = {"X-Forwarded-For": "127.0.0.1"}
"""On a Unix socket, Synapse expects a reverse proxy that tells the address of the client."""
_START_SECONDS = 60
_HIGH = {"per_second": 10_000, "burst_count": 10_000}
_RAISED: Mapping[str, Any] = {
    # Messages keep Synapse's default limit, from which most tests exempt their bot, as an operator would.
    "rc_registration": _HIGH,
    "rc_login": {"address": _HIGH, "account": _HIGH, "failed_attempts": _HIGH},
    "rc_joins": {"local": _HIGH, "remote": _HIGH},
    "rc_joins_per_room": _HIGH,
    "rc_room_creation": _HIGH,
    "rc_invites": {"per_room": _HIGH, "per_user": _HIGH, "per_issuer": _HIGH},
}
_numbers = itertools.count(1)


class Homeserver(msgspec.Struct, frozen=True):
    """A running homeserver and the secrets to administrate it."""

    socket: str
    registration_secret: str
    people_token: str
    """The token of an application service that acts for people."""


class Account(msgspec.Struct, frozen=True):
    """A registered account with a device."""

    user_id: str
    access_token: str
    device_id: str
    password: str


@contextmanager
def homeserver() -> Generator[Homeserver]:
    """Start Synapse with an empty database and stop it."""
    if not PYTHON.exists():
        raise RuntimeError("Synapse is not installed. Run: make .setup/synapse/ready")
    with tempfile.TemporaryDirectory(prefix="synapse") as name, _notified(name) as notified:
        folder = Path(name)
        server = Homeserver(str(folder / "client.sock"), "registration", "people")
        config = _configure(folder, server)
        command = [PYTHON, "-m", "synapse.app.homeserver", "-c", config]
        environment = {**os.environ, "NOTIFY_SOCKET": notified.getsockname()}
        with subprocess.Popen(
            command, cwd=folder, env=environment, stderr=subprocess.DEVNULL
        ) as process:
            try:
                notified.settimeout(_START_SECONDS)
                while b"READY=1" not in notified.recv(4096):
                    pass
                yield server
            finally:
                process.terminate()


@contextmanager
def _notified(folder: str) -> Generator[socket.socket]:
    """Open the socket on which the process tells that it is ready, as it would tell systemd."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(f"{folder}/notify.sock")
        yield notified


def _configure(folder: Path, server: Homeserver) -> Path:
    key = base64.b64encode(os.urandom(32)).decode().rstrip("=")
    (folder / "signing.key").write_text(f"ed25519 a_test {key}\n")
    log = {
        "version": 1,
        "handlers": {"file": {"class": "logging.FileHandler", "filename": str(folder / "log")}},
        "disable_existing_loggers": False,
        "root": {"level": "WARNING", "handlers": ["file"]},
    }
    (folder / "log.yaml").write_text(json.dumps(log))
    people = {
        "id": "people",
        "url": None,
        "as_token": server.people_token,
        "hs_token": "unused",
        "sender_localpart": "people",
        "rate_limited": False,
        "namespaces": {
            "users": [{"regex": "@person-.*", "exclusive": True}],
            "aliases": [],
            "rooms": [],
        },
    }
    (folder / "people.yaml").write_text(json.dumps(people))
    config = {
        "server_name": "localhost",
        "listeners": [
            {"type": "http", "path": server.socket, "resources": [{"names": ["client"]}]}
        ],
        "database": {"name": "sqlite3", "args": {"database": str(folder / "db")}},
        "log_config": str(folder / "log.yaml"),
        "media_store_path": str(folder / "media"),
        "signing_key_path": str(folder / "signing.key"),
        "app_service_config_files": [str(folder / "people.yaml")],
        "registration_shared_secret": server.registration_secret,
        "macaroon_secret_key": "macaroon",
        "form_secret": "form",
        "bcrypt_rounds": 4,
        "report_stats": False,
        "trusted_key_servers": [],
        "presence": {"enabled": False},
        "default_room_version": "12",
        # What no test needs, for speed.
        "enable_search": False,
        "stats": {"enabled": False},
        "user_directory": {"enabled": False},
        "send_federation": False,
        "redaction_retention_period": None,
        **_RAISED,
    }
    path = folder / "homeserver.yaml"
    path.write_text(json.dumps(config))
    return path


class Administration:
    """Calls of an administrator and of people, past the proxy."""

    def __init__(self, server: Homeserver, session: aiohttp.ClientSession) -> None:
        self._server = server
        self._session = session
        self._transactions = itertools.count(1)

    async def call(
        self, method: str, path: str, token: str, content: object = None, **query: str
    ) -> dict[str, Any]:
        """Call the API. Raises `AssertionError` if it refuses."""
        async with self._session.request(
            method,
            f"http://localhost{path}",
            headers={**FORWARDED, **({"Authorization": f"Bearer {token}"} if token else {})},
            params=query,
            json=content if method != "GET" else None,
        ) as response:
            result = await response.json()
            assert response.status == 200, (path, response.status, result)
            return result

    async def register(self, name: str, *, is_admin: bool = False) -> Account:
        """Register an account with a password."""
        path = "/_synapse/admin/v1/register"
        name, password = f"{name}-{next(_numbers)}", f"password-{next(_numbers)}"
        nonce = (await self.call("GET", path, ""))["nonce"]
        signed = "\0".join([nonce, name, password, "admin" if is_admin else "notadmin"])
        mac = hmac.new(self._server.registration_secret.encode(), signed.encode(), hashlib.sha1)
        content = {
            "nonce": nonce,
            "username": name,
            "password": password,
            "admin": is_admin,
            "mac": mac.hexdigest(),
        }
        made = await self.call("POST", path, "", content)
        return Account(made["user_id"], made["access_token"], made["device_id"], password)

    async def exempt(self, user_id: str) -> None:
        """Exempt an account from the limit of messages."""
        admin = await self.register("admin", is_admin=True)
        path = f"/_synapse/admin/v1/users/{user_id}/override_ratelimit"
        await self.call("POST", path, admin.access_token, {})

    async def person(self, name: str) -> str:
        """Register a person, and return the user id."""
        user_id = f"@person-{name}-{next(_numbers)}:localhost"
        await self.register_person(user_id)
        return user_id

    async def register_person(self, user_id: str) -> None:
        """Register a person by the user id."""
        content = {
            "type": "m.login.application_service",
            "username": user_id[1:].partition(":")[0],
            "inhibit_login": True,
        }
        path = "/_matrix/client/v3/register"
        await self.call("POST", path, self._server.people_token, content)

    async def as_person(
        self, person: str, method: str, path: str, content: object = None, **query: str
    ) -> dict[str, Any]:
        """Call the API as a person."""
        path = f"/_matrix/client/v3{path}"
        return await self.call(
            method, path, self._server.people_token, content, user_id=person, **query
        )

    async def download(self, person: str, media: str) -> bytes:
        """Return a file, as a person gets it."""
        async with self._session.get(
            f"http://localhost/_matrix/client/v1/media/download/{media}",
            headers={**FORWARDED, "Authorization": f"Bearer {self._server.people_token}"},
            params={"user_id": person},
        ) as response:
            assert response.status == 200, (media, response.status)
            return await response.read()

    async def room(self, creator: str, *invited: str, **fields: object) -> str:
        """Create a room and return its id. Other people join it; the bot is only invited."""
        content = {"preset": "private_chat", "invite": invited, **fields}
        room_id = (await self.as_person(creator, "POST", "/createRoom", content))["room_id"]
        for person in invited:
            if person.startswith("@person-"):
                await self.as_person(person, "POST", f"/join/{room_id}")
        return room_id

    async def send(
        self, person: str, room_id: str, content: object, kind: str = "m.room.message"
    ) -> str:
        """Send an event as a person, and return its id."""
        path = f"/rooms/{room_id}/send/{kind}/{next(self._transactions)}"
        return (await self.as_person(person, "PUT", path, content))["event_id"]


@asynccontextmanager
async def administration(server: Homeserver) -> AsyncGenerator[Administration]:
    """Connect to a homeserver."""
    connector = aiohttp.UnixConnector(server.socket)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Administration(server, session)
    with contextlib.suppress(OSError):
        await connector.close()
