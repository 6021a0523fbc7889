"""Settings of the server. `thinkaloud.config` loads and documents them."""

import re
from typing import Final

import msgspec

from thinkaloud.ports.principal import ReasoningPolicy
from thinkaloud.runtime.runs.limits import AdmissionLimits

_BASE_PATH: Final = re.compile(r"(/(?!\.{1,2}(/|\Z))[A-Za-z0-9._~-]+)*\Z")


class ServerSettings(AdmissionLimits, frozen=True):
    """The address to listen on, who can connect, and limits on requests and connections."""

    host: str = "127.0.0.1"
    """The address to listen on. Any but a loopback one requires an admin key or a proxy (`[auth]`)."""
    port: int = 8484
    """The port to listen on; 0 picks a free one."""
    socket: str = ""
    """Path of a Unix socket to listen on instead of `host` and `port`. Only your own user can connect to it,
    while a loopback port is open to every user of the machine."""
    base_path: str = ""
    """The URL path under which a reverse proxy serves thinkaloud, such as `/app`. Empty: the root. Works whether
    or not the proxy strips it."""
    allowed_hosts: tuple[str, ...] = ()
    """`Host` header values to accept besides the loopback names and `host`, without a port. If `host` is not a
    loopback address, every IP address is accepted, too."""
    allowed_origins: tuple[str, ...] = ()
    """Origins (`https://name:port`) of other web pages that can use the server, and read its responses (CORS)."""
    max_body_bytes: int = 2 * 1024 * 1024
    """Maximum size of a JSON request body or a WebSocket message."""
    max_upload_bytes: int = 10 * 1024 * 1024
    """Maximum size of an uploaded file. Images are always limited to 8 MiB and text files to 512 KiB."""
    max_uploads: int = 200
    """Maximum number of uploads per owner; a new upload replaces the oldest."""
    max_uploads_bytes: int = 512 * 2**20
    """Maximum total size of uploads per owner; a new upload replaces the oldest."""
    max_text_chars: int = 400_000
    """Maximum length of a message's `text`."""
    max_json_depth: int = 64
    """Maximum nesting depth of a JSON body."""
    max_header_bytes: int = 64 * 1024
    """Maximum size of a request line and its headers."""
    header_timeout_seconds: float = 10.0
    """How long a client can take to connect and send its request headers."""
    body_timeout_seconds: float = 30.0
    """How long a client can take to send a request body or a WebSocket message."""
    max_waiting_connections: int = 256
    """Maximum connections that are idle or still sending a request. A new connection closes the one that has
    waited longest."""
    heartbeat_seconds: float = 15.0
    """How long an event stream can be silent before the server sends a comment to keep it open."""
    send_timeout_seconds: float = 30.0
    """Disconnect a client that reads nothing for this long. It can take up to twice as long, and a few seconds
    more if the client's machine is unreachable."""
    shutdown_seconds: float = 5.0
    """How long open connections can take to close when the server stops."""
    max_sockets: int = 1000
    """Maximum number of open WebSockets."""
    max_event_streams: int = 1000
    """Maximum number of open event streams."""
    max_follows_per_socket: int = 16
    """Maximum number of runs and conversations that one socket can follow with `resume`."""
    show_reasoning: ReasoningPolicy = "allow"
    """The reasoning policy. With `deny`, reasoning is neither stored nor sent, whatever a request asks for. With
    `redact`, secrets in it are replaced first; see [Hide or redact reasoning](../how-to/hide-reasoning.md)."""

    def __post_init__(self) -> None:
        """Normalize `base_path`. Raises `ValueError` if it is not a valid path."""
        base = f"/{self.base_path.strip('/')}" if self.base_path.strip("/") else ""
        if not _BASE_PATH.match(base) or len(base) > 200:
            raise ValueError(
                "base_path must be a path such as /app, made of letters, digits and . _ ~ -"
            )
        msgspec.structs.force_setattr(self, "base_path", base)
