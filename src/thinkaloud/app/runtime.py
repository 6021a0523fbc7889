"""Builds the runtime that the server, the terminal and the Python API share."""

import os
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from thinkaloud.app.discovery import configured_hosts, discover, package_hosts
from thinkaloud.app.redaction import redaction_of
from thinkaloud.auth.policies import Policies
from thinkaloud.config import Configuration
from thinkaloud.errors import ConfigurationError
from thinkaloud.events.prompt import Effort
from thinkaloud.ports.clock import Clock, SystemClock
from thinkaloud.ports.execution.approvals import RememberedApprovals
from thinkaloud.ports.model import Model
from thinkaloud.ports.principal import Principal
from thinkaloud.ports.store import Store
from thinkaloud.ports.tool import AnyTool, ToolSource
from thinkaloud.ports.uploads import UploadQuota, Uploads
from thinkaloud.providers.catalogue import ConfiguredModels
from thinkaloud.providers.client import Sessions
from thinkaloud.providers.demo import DemoModel
from thinkaloud.runtime.runs.hooks import HookSource
from thinkaloud.runtime.runs.limits import Lease
from thinkaloud.runtime.runs.supervisor import Runs, RunServices
from thinkaloud.runtime.tools.approval_policy import ApprovalSettings
from thinkaloud.runtime.tools.executor import ToolExecutor
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.temporary import TemporaryStore
from thinkaloud.stores.uploads import MemoryUploads
from thinkaloud.tools.attachments import NamedFiles
from thinkaloud.tools.builtin.toolset import builtin_tools
from thinkaloud.tools.mcp.source import McpHost, McpServers
from thinkaloud.tools.workspace import Workspace
from thinkaloud.version import __version__

_SHARED_FLUSH_SECONDS: Final = 0.02

MCP_SECONDS: Final = 10.0
"""How long a program that asks right after opening waits for MCP servers."""


class Choices(msgspec.Struct, frozen=True):
    """What the caller sets instead of the configuration. None: as configured."""

    model: str | Model | None = None
    tools: Sequence[AnyTool] | None = None
    tool_sources: Sequence[ToolSource] = ()
    mcp_seconds: float = 0.0
    """How long opening waits for MCP servers. A server that is up later is used from then on."""
    system_prompt: str | None = None
    store: Store | None = None
    uploads: Uploads | None = None
    remembered: RememberedApprovals | None = None
    """Approvals that count for all runs of an owner. None: they are kept in memory."""
    retention_days: float | None = None
    """Delete stored conversations that have not changed for this long."""
    hooks: tuple[HookSource, ...] = ()
    reasoning_effort: Effort | None = None


class Runtime(msgspec.Struct, frozen=True):
    """The open parts of a running agent."""

    configuration: Configuration
    store: Store
    uploads: Uploads
    clock: Clock
    models: ConfiguredModels
    runs: Runs
    own_tools: tuple[str, ...]
    mcp: McpServers
    """The MCP servers, and their tools."""
    sessions: Sessions
    started_ms: int
    """When the runtime was opened, in the clock's steady milliseconds."""

    @property
    def owner(self) -> str:
        """Who owns what is created here without a key."""
        return self.configuration.owner

    @property
    def principal(self) -> Principal:
        """Who this process acts for, where nobody else does: that owner, with all permissions."""
        return Principal(self.owner, reasoning=self.configuration.settings.server.show_reasoning)

    def person(self, owner: str) -> Principal:
        """Who a person in a chat acts for: an owner with the role `user`, and the limits of both."""
        settings = self.configuration.settings
        policies = Policies(settings.auth, settings.server.show_reasoning)
        return policies.for_owner(owner, "user")

    @property
    def tools(self) -> tuple[str, ...]:
        """The names of the tools that models can call now, except those of other tool sources."""
        return (*self.own_tools, *self.mcp.names)

    @property
    def is_demo(self) -> bool:
        """Whether the demo model is the default."""
        return self.models.current == DemoModel.ID


@asynccontextmanager
async def open_runtime(
    configuration: Configuration, choices: Choices | None = None, clock: Clock | None = None
) -> AsyncGenerator[Runtime]:
    """Open a runtime until the block is left; leaving interrupts active runs.

    Raises `ConfigurationError` or `UnknownModel` if the configuration is unusable.
    """
    clock = clock or SystemClock()
    choices = choices or Choices()
    settings = configuration.settings
    store = TemporaryStore(choices.store or MemoryStore())
    uploads = choices.uploads or MemoryUploads(clock, upload_quota(configuration))
    workspace = _workspace(configuration)
    tools = _tools(configuration, choices, workspace, clock)
    sessions = Sessions()
    mcp, host = McpServers(), _mcp_host(configuration, clock, workspace)
    try:
        models = await _models(configuration, choices, sessions, clock)
        services = RunServices(
            store=store,
            catalogue=models,
            clock=clock,
            tool_executor=_tool_executor(configuration, choices, tools, mcp),
            approvals=_approvals(configuration),
            remembered=choices.remembered,
            attachments=NamedFiles(uploads, workspace),
            uploads=uploads,
            limits=settings.limits,
            admission=settings.server,
            hooks=choices.hooks,
            system_prompt=choices.system_prompt or settings.model.system_prompt,
            reasoning_effort=choices.reasoning_effort or settings.model.reasoning_effort,
            reasoning=settings.server.show_reasoning,
            redaction=redaction_of(configuration),
            flush_interval=_flush_interval(configuration, store),
            retention_days=choices.retention_days,
            lease=_lease(configuration),
        )
        async with _connected(mcp, configuration, choices, host), Runs(services).open() as runs:
            yield Runtime(
                configuration=configuration,
                store=store,
                uploads=uploads,
                clock=clock,
                models=models,
                runs=runs,
                own_tools=tuple(tool.schema.name for tool in tools),
                mcp=mcp,
                sessions=sessions,
                started_ms=clock.steady_ms(),
            )
    finally:
        await sessions.close()


def _tool_executor(
    configuration: Configuration, choices: Choices, tools: Sequence[AnyTool], mcp: McpServers
) -> ToolExecutor:
    settings = configuration.settings
    return ToolExecutor(
        tools,
        settings.limits.max_tool_result_chars,
        (*choices.tool_sources, mcp),
        settings.tools.approval_timeout,
    )


def _approvals(configuration: Configuration) -> ApprovalSettings:
    tools = configuration.settings.tools
    return ApprovalSettings(tools.approval, tools.approval_timeout)


def _flush_interval(configuration: Configuration, store: Store) -> float:
    seconds = configuration.settings.store.flush_interval_seconds
    return min(seconds, _SHARED_FLUSH_SECONDS) if store.is_shared else seconds


def _lease(configuration: Configuration) -> Lease:
    name = f"{socket.gethostname()}:{os.getpid()}"
    return Lease(name, __version__, configuration.settings.store.lease_seconds)


def upload_quota(configuration: Configuration) -> UploadQuota:
    """Return the upload limits of an owner."""
    settings = configuration.settings.server
    return UploadQuota(settings.max_uploads, settings.max_uploads_bytes)


async def _models(
    configuration: Configuration, choices: Choices, sessions: Sessions, clock: Clock
) -> ConfiguredModels:
    built_in: list[Model] = [DemoModel(clock)]
    chosen = choices.model or configuration.settings.model.default
    if chosen is not None and not isinstance(chosen, str):
        built_in.append(chosen)
        chosen = chosen.info.id
    hosts = configured_hosts(configuration)
    models = ConfiguredModels(
        hosts,
        built_in,
        chosen or DemoModel.ID,
        sessions,
        clock,
        packages=package_hosts(configuration),
    )
    if chosen is None:
        models.switch(await discover(models, DemoModel.ID))
    else:
        models.open(chosen)
    return models


def _workspace(configuration: Configuration) -> Workspace | None:
    folder = configuration.settings.server.workspace
    if folder is None:
        return None
    path = Path(folder).expanduser()
    if not path.is_dir():
        source = configuration.file or "the environment"
        raise ConfigurationError(f"{source}: server.workspace: folder not found: {folder}.")
    return Workspace(path, hard_links=configuration.settings.server.workspace_hard_links)


def _mcp_host(configuration: Configuration, clock: Clock, workspace: Workspace | None) -> McpHost:
    roots = () if workspace is None else (workspace.root,)
    return McpHost(configuration.environment, configuration.data_dir, clock, roots)


@asynccontextmanager
async def _connected(
    mcp: McpServers, configuration: Configuration, choices: Choices, host: McpHost
) -> AsyncGenerator[None]:
    """Connect to the MCP servers until the block is left. An empty list of tools means none."""
    if choices.tools is not None and not choices.tools:
        yield
        return
    async with mcp.open(configuration.settings.mcp, host):
        await mcp.wait_settled(choices.mcp_seconds)
        yield


def _tools(
    configuration: Configuration, choices: Choices, workspace: Workspace | None, clock: Clock
) -> Sequence[AnyTool]:
    if choices.tools is not None:
        return choices.tools
    settings = configuration.settings.tools
    if not settings.enabled:
        return ()
    return builtin_tools(workspace, lambda: clock.unix_ms() / 1000, settings.fetch)
