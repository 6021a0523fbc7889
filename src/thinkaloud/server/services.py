"""What the entry points work with."""

from pathlib import Path

import msgspec

from thinkaloud.channels.settings import WebSocketSettings
from thinkaloud.events.prompt import Effort
from thinkaloud.ports.catalogue import Catalogue
from thinkaloud.ports.clock import Clock, SystemClock
from thinkaloud.ports.store import Store
from thinkaloud.ports.uploads import Uploads
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.runtime.runs.supervisor import Runs
from thinkaloud.server.settings import ServerSettings
from thinkaloud.server.websocket_channel import WebSocketChannel
from thinkaloud.stores.uploads import MemoryUploads


class About(msgspec.Struct, frozen=True):
    """What the server says about itself. No secrets."""

    version: str
    tools: tuple[str, ...] = ()
    store: str = "memory"
    channels: tuple[str, ...] = ()
    demo: bool = False
    """Whether the built-in demo model answers because no real one was found."""
    limits: Limits = Limits()
    """What a run may take."""


class ServerServices(msgspec.Struct, frozen=True):
    """The dependencies of `create_app`. `runs` must be open for as long as the app serves."""

    runs: Runs
    catalogue: Catalogue
    store: Store
    clock: Clock
    settings: ServerSettings
    about: About
    owner: str
    """Who makes requests. Only the guard uses it; everything else asks `owner_of` a request."""
    websocket: WebSocketChannel = msgspec.field(
        default_factory=lambda: WebSocketChannel(WebSocketSettings(), SystemClock())
    )
    """The channel whose sockets are `/ws`."""
    uploads: Uploads = msgspec.field(default_factory=lambda: MemoryUploads(SystemClock()))
    """Where uploads are stored; the attachments of `runs` are read from there."""
    bundle: Path = Path(__file__).resolve().parents[1] / "webui"
    """The folder of the built web page."""

    def sends_reasoning(self, asked: bool) -> bool:
        """Whether reasoning goes out: asked for, and allowed by the operator (P15)."""
        return asked and self.settings.show_reasoning == "allow"


class ServerState:
    """What changes while the server runs: counts of what is open, and what clients chose."""

    def __init__(self) -> None:
        self.reasoning_effort: Effort | None = None
        """The default for new runs, if a client has set one."""
        self.sockets = 0
        self.event_streams = 0
        self.dropped_readers = 0
        """Readers that took nothing for too long, since the start."""
