"""What the operator may set of the server. Composed and documented by `thinkaloud.config`."""

import re
from typing import Final, Literal

import msgspec

_BASE_PATH: Final = re.compile(r"(/(?!\.{1,2}(/|\Z))[A-Za-z0-9._~-]+)*\Z")


class ServerSettings(msgspec.Struct, frozen=True):
    """Where the server listens, whom it answers and what it takes. Times are seconds."""

    host: str = "127.0.0.1"
    """The address to listen on. Only loopback: any other refuses to start."""
    port: int = 8484
    """The port to listen on; 0 takes a free one."""
    socket: str = ""
    """The path of a Unix socket to listen at, in the place of `host` and `port`. Only your own user may
    connect to it; on loopback, every user of the machine may."""
    base_path: str = ""
    """The path of a site under which a proxy shows the server, such as `/app`; none: the root. The proxy
    may pass it on or take it off."""
    allowed_hosts: tuple[str, ...] = ()
    """Names that the `Host` header may have beside the loopback ones, without a port."""
    allowed_origins: tuple[str, ...] = ()
    """Origins (`https://name:port`) of web pages that may use the server beside its own."""
    max_body_bytes: int = 2 * 1024 * 1024
    """The largest JSON body of a request, and the largest WebSocket message."""
    max_upload_bytes: int = 10 * 1024 * 1024
    """The largest file of an upload. A picture has 8 MiB, a text 512 KiB at most, whatever stands here."""
    max_uploads: int = 200
    """Uploads that one owner may have at once; the oldest makes room for a new one."""
    max_uploads_bytes: int = 512 * 2**20
    """Bytes that the uploads of one owner may have together; the oldest make room for a new one."""
    max_text_chars: int = 400_000
    """The longest `text` of a message."""
    max_json_depth: int = 64
    """How deep objects and arrays of a body may stand in each other."""
    max_header_bytes: int = 64 * 1024
    """The largest head of a request: its address and its headers together."""
    header_timeout_seconds: float = 10.0
    """How long a client may take from the connection to the end of the head of its request."""
    body_timeout_seconds: float = 30.0
    """How long a client may take to send a body, or one WebSocket message."""
    max_waiting_connections: int = 256
    """Connections that may wait at once for what their clients send: idle ones, and those whose request is
    not whole yet. The one that has waited longest makes room for a new one."""
    heartbeat_seconds: float = 15.0
    """After this long without an event an event stream gets a comment."""
    send_timeout_seconds: float = 30.0
    """A reader that takes nothing for this long is dropped; after at most twice that. One whose machine
    does not answer at all is gone a few seconds later."""
    shutdown_seconds: float = 5.0
    """How long open connections may take to end when the server stops."""
    max_sockets: int = 1000
    """WebSockets open at once."""
    max_event_streams: int = 1000
    """Event streams open at once."""
    max_active_runs: int = 500
    """Runs going on or waiting for their conversation at once."""
    max_waiting_messages: int = 16
    """Messages of one socket that may wait behind the one being answered."""
    max_follows_per_socket: int = 16
    """Runs and conversations that one socket may follow at once by `resume`."""
    show_reasoning: Literal["allow", "deny"] = "allow"
    """`deny`: no reasoning leaves the server, whatever a request asks for."""

    def __post_init__(self) -> None:
        """Bring `base_path` into one form. Raises `ValueError` where it is no path."""
        base = f"/{self.base_path.strip('/')}" if self.base_path.strip("/") else ""
        if not _BASE_PATH.match(base) or len(base) > 200:
            raise ValueError(
                "base_path is a path such as /app, of letters, digits and . _ ~ - only"
            )
        msgspec.structs.force_setattr(self, "base_path", base)
