"""All settings, by section of the configuration file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from thinkaloud.auth.settings import AuthSettings
from thinkaloud.channels.platform.settings import PlatformSettings
from thinkaloud.channels.settings import ChannelSettings, WebSocketSettings
from thinkaloud.events.prompt import Effort
from thinkaloud.ports.tool import Approval
from thinkaloud.runtime.reasoning.settings import RedactionSettings
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.server.settings import ServerSettings
from thinkaloud.server.wire_settings import WireSettings
from thinkaloud.tools.mcp.settings import McpSettings

DEFAULT_OWNER: Final = "local"


class ServerSection(ServerSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[server]`: address, access, limits and files."""

    workspace: str | None = None
    """The folder that file tools, `context_files` and `image_path` can read. Not set: none."""
    workspace_hard_links: bool = False
    """Whether to allow workspace files that have more than one hard link. The other link may be
    outside the workspace, which cannot be detected."""


class ModelSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[model]`: the default model and its options."""

    default: str | None = None
    """The default model, as `host/model`. Not set: the first host with an API key, else a local
    model server, else the demo model."""
    reasoning_effort: Effort | None = None
    """The effort for requests that don't set one. Ignored by models that don't support it."""
    system_prompt: str | None = None
    """The system prompt for every model. Not set: none."""


class HostSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[hosts.NAME]`: a custom host, or overrides for a built-in one."""

    dialect: str | None = None
    """The host's API format: its [dialect](providers.md#dialects). Required for a custom host."""
    base_url: str | None = None
    """The base URL you would give the official SDK. Required for a custom host."""
    api_key_env: str | None = None
    """The environment variable that holds the API key."""
    models: tuple[str, ...] = ()
    """The models to offer. Empty: all models that the host lists."""
    headers: dict[str, str] = {}
    """Extra headers for every request."""
    quirks: dict[str, object] = {}
    """How the host deviates from its dialect; see the providers reference."""


class ToolsSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[tools]`: the built-in tools."""

    enabled: bool = True
    """Whether models can use the built-in tools."""
    fetch: bool = False
    """Whether models can fetch public URLs."""
    approval: dict[str, Approval] = {}
    """Which tool calls a person has to approve: `never`, `ask` or `always_ask`, by a pattern of the
    tool's name such as `"files__*"`. An exact name takes precedence; what a tool itself demands can
    only be made stricter."""
    approval_timeout: Annotated[float, Meta(gt=0)] = 86_400.0
    """After how many seconds an approval or a question expires."""


class StoreSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[store]`: where conversations are stored."""

    kind: Literal["sqlite", "postgres", "memory"] = "sqlite"
    """`sqlite`: a file in the data directory. `postgres`: a PostgreSQL database, which several
    servers can share. `memory`: conversations are lost when the process ends."""
    url_env: str = "THINKALOUD_DATABASE_URL"
    """The environment variable with the URL of the PostgreSQL database."""
    listen_url_env: str | None = None
    """The environment variable with a direct URL of the database, if the first one leads to a
    connection pooler."""
    lease_seconds: Annotated[float, Meta(ge=3)] = 10.0
    """How long a server that shares the database can be silent before others end its runs."""
    durability: Literal["full", "relaxed"] = "full"
    """`full` survives a power failure. `relaxed` is faster, but can lose the last few seconds."""
    flush_interval_seconds: Annotated[float, Meta(ge=0)] = 0.25
    """How long events can wait before they are written; a crash loses at most this much. With
    `postgres`, nothing is shown before it is written, at the latest after 0.02 seconds."""
    busy_timeout_seconds: Annotated[float, Meta(ge=0)] = 5.0
    """How long to wait for a database that another program has locked."""
    max_bytes: int | None = None
    """The maximum size of the database. Not set: 16 GiB, or twice its size at the start if more."""
    retention_days: Annotated[float, Meta(gt=0)] | None = None
    """Delete conversations that have not changed for this long. Not set: keep them."""


class ChannelsSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[channels.NAME]`: the channels that connect chats to the server."""

    websocket: WebSocketSettings = WebSocketSettings()
    plugins: dict[str, ChannelSettings] = {}
    """Channels from installed packages. In the file they are siblings of `websocket`."""
    platforms: dict[str, PlatformSettings] = {}
    """The built-in chat platforms. In the file they are siblings of `websocket`."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings, by section."""

    server: ServerSection = ServerSection()
    model: ModelSection = ModelSection()
    hosts: dict[str, HostSection] = {}
    limits: Limits = Limits()
    tools: ToolsSection = ToolsSection()
    store: StoreSection = StoreSection()
    wires: WireSettings = WireSettings()
    channels: ChannelsSection = ChannelsSection()
    auth: AuthSettings = AuthSettings()
    redaction: RedactionSettings = RedactionSettings()
    mcp: dict[str, McpSettings] = {}


class Configuration(msgspec.Struct, frozen=True):
    """The settings and where they came from."""

    settings: Settings
    file: Path | None
    """The configuration file; None if there was none."""
    data_dir: Path
    environment: Mapping[str, str]
    """A copy of the environment; provider keys are looked up here."""
    notices: tuple[str, ...] = ()
    """Sentences for the operator about deprecated keys in use."""
    owner: str = DEFAULT_OWNER
    """The owner of what this process creates; of what a running server creates only if chosen."""
    owner_is_chosen: bool = False
