"""Dependencies and mutable state of the HTTP routes and sockets."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from thinkaloud.auth.access import Access
from thinkaloud.auth.audit import Actor
from thinkaloud.channels.platform.status import ChannelStatus
from thinkaloud.channels.settings import WebSocketSettings
from thinkaloud.errors import StoreError
from thinkaloud.events.interaction import ApprovalResolved
from thinkaloud.ports.authentication import Authenticator
from thinkaloud.ports.catalogue import Catalogue
from thinkaloud.ports.clock import Clock, SystemClock
from thinkaloud.ports.principal import Principal, ReasoningPolicy, strictest
from thinkaloud.ports.protocols.records import ProtocolRecords
from thinkaloud.ports.store import RunRecord, Store
from thinkaloud.ports.uploads import Uploads
from thinkaloud.runtime.reasoning.reader import Reader
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.runtime.runs.supervisor import RunRequest, Runs
from thinkaloud.runtime.runs.waiting.approvals import Verdict
from thinkaloud.server.open_streams import OpenStreams
from thinkaloud.server.settings import ServerSettings
from thinkaloud.server.stream_monitor import StreamMonitor
from thinkaloud.server.websocket_channel import WebSocketChannel
from thinkaloud.server.wire_settings import WireSettings
from thinkaloud.stores.keys import MemoryKeyStore
from thinkaloud.stores.protocol_records import MemoryProtocolRecords
from thinkaloud.stores.uploads import MemoryUploads

_log = logging.getLogger(__name__)


class About(msgspec.Struct, frozen=True):
    """Server information for clients. No secrets."""

    version: str
    tools: Callable[[], Sequence[str]] = tuple
    """Returns the names of the tools that models can call now."""
    store: str = "memory"
    channels: tuple[str, ...] = ()
    demo: bool = False
    """Whether the built-in demo model is in use because no real one was found."""
    limits: Limits = Limits()
    """Limits of a run."""


class ServerServices(msgspec.Struct, frozen=True):
    """The dependencies of `create_app`. `runs` must be open for as long as the app serves."""

    runs: Runs
    catalogue: Catalogue
    store: Store
    clock: Clock
    settings: ServerSettings
    about: About
    authenticator: Authenticator
    """Determines the principal of each request. Only the guard calls it; other code calls
    `principal_of(request)`."""
    websocket: WebSocketChannel = msgspec.field(
        default_factory=lambda: WebSocketChannel(WebSocketSettings(), SystemClock())
    )
    """The channel behind `/ws`."""
    access: Access = msgspec.field(default_factory=lambda: Access(MemoryKeyStore(), SystemClock()))
    """API keys, sessions, tickets and the audit log."""
    channel_statuses: Callable[[], Sequence[ChannelStatus]] = tuple
    """Returns the states of the chat platforms."""
    uploads: Uploads = msgspec.field(default_factory=lambda: MemoryUploads(SystemClock()))
    """Stores uploads; `runs` reads attachments from it."""
    records: ProtocolRecords = msgspec.field(default_factory=MemoryProtocolRecords)
    """What clients of other protocols rely on beside the conversations."""
    wires: WireSettings = WireSettings()
    """Settings of other ecosystems' protocols."""
    bundle: Path = Path(__file__).resolve().parents[1] / "webui"
    """The folder of the built web page."""

    async def start_run(self, principal: Principal, request: RunRequest) -> RunRecord:
        """Start a run with the principal's current restrictions.

        They may have changed since a socket was opened, or while a body was sent. Raises what
        `Runs.start` raises, and `Unauthorized` if the credential has ended.
        """
        return await self.runs.start(self.authenticator.renew(principal), request)

    async def decide(
        self, principal: Principal, approval: tuple[str, str], verdict: Verdict, actor: Actor
    ) -> ApprovalResolved:
        """Decide about a tool call, with a run and an approval, and write it to the audit log.

        Raises what `Approvals.decide` raises.
        """
        run_id, approval_id = approval
        via = "api" if actor.request_id else "socket"
        current = self.authenticator.renew(principal)
        resolved = await self.runs.approvals.decide(current, run_id, approval_id, verdict, via)
        detail = f"{resolved.decision} {approval_id} of {run_id}"
        try:
            await self.access.audit.record(
                "approval", actor, key_id=principal.key_id, detail=detail
            )
        except StoreError:
            _log.exception("a decision is missing in the audit log: %s", detail)
        return resolved

    def policy(self, principal: Principal) -> ReasoningPolicy:
        """Return the current reasoning policy of a reader: the strictest of the server's and its own.

        It may have changed since the request began. Raises `Unauthorized` if the credential has
        ended.
        """
        now = self.authenticator.renew(principal)
        return strictest(self.settings.show_reasoning, now.reasoning)

    def reader(self, principal: Principal) -> Reader:
        """Return what a principal may read."""
        return self.runs.reader(self.policy(principal))

    def sends_reasoning(self, asked: bool, principal: Principal) -> bool:
        """Whether to send reasoning: requested, and not denied by the policy (P15)."""
        return asked and self.policy(principal) != "deny"


class ServerState:
    """Mutable server state: the open streams, and counts of connections."""

    def __init__(self, services: ServerServices) -> None:
        settings = services.settings
        self.open_streams = OpenStreams(services.authenticator)
        """The open streams and sockets, by credential."""
        self.monitor = StreamMonitor(settings.heartbeat_seconds, settings.send_timeout_seconds)
        """Watches the streams of all clients."""
        self.sockets = 0
        self.event_streams = 0
        self.dropped_readers = 0
        """Clients disconnected since startup because they stopped reading."""
