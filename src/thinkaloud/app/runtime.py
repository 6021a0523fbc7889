"""Puts the parts together: one runtime, the same for the server, the terminal and the Python API."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from thinkaloud.app.discovery import configured_hosts, discover
from thinkaloud.app.storage import upload_quota
from thinkaloud.config import Configuration
from thinkaloud.errors import ConfigurationError
from thinkaloud.events.prompt import Effort
from thinkaloud.ports.clock import Clock, SystemClock
from thinkaloud.ports.model import Model
from thinkaloud.ports.store import Store
from thinkaloud.ports.tool import Tool
from thinkaloud.ports.uploads import Uploads
from thinkaloud.providers.catalogue import ConfiguredModels
from thinkaloud.providers.client import Sessions
from thinkaloud.providers.demo import DemoModel
from thinkaloud.runtime.runs.hooks import HookSource
from thinkaloud.runtime.runs.supervisor import Runs, RunServices
from thinkaloud.runtime.runs.tool_executor import ToolExecutor
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.temporary import TemporaryStore
from thinkaloud.stores.uploads import MemoryUploads
from thinkaloud.tools.attachments import NamedFiles
from thinkaloud.tools.builtin.toolset import builtin_tools
from thinkaloud.tools.workspace import Workspace


class Choices(msgspec.Struct, frozen=True):
    """What the caller decides over the configuration's head. None: as configured."""

    model: str | Model | None = None
    tools: Sequence[Tool] | None = None
    system_prompt: str | None = None
    store: Store | None = None
    uploads: Uploads | None = None
    retention_days: float | None = None
    """Conversations of the store that were not touched for so long are deleted."""
    hooks: tuple[HookSource, ...] = ()
    reasoning_effort: Effort | None = None


class Runtime(msgspec.Struct, frozen=True):
    """Everything that runs, while it is open."""

    configuration: Configuration
    store: Store
    uploads: Uploads
    clock: Clock
    models: ConfiguredModels
    runs: Runs
    tools: tuple[str, ...]
    sessions: Sessions
    started_ms: int
    """When it opened, by the clock's steady milliseconds."""

    @property
    def is_demo(self) -> bool:
        """Whether runs that name no model get the demo model."""
        return self.models.current == DemoModel.ID


@asynccontextmanager
async def open_runtime(
    configuration: Configuration, choices: Choices | None = None, clock: Clock | None = None
) -> AsyncGenerator[Runtime]:
    """Open a runtime for the length of a block; leaving interrupts what still runs.

    Raises `ConfigurationError` or `UnknownModel` where the configuration cannot work.
    """
    clock = clock or SystemClock()
    choices = choices or Choices()
    settings = configuration.settings
    store = TemporaryStore(choices.store or MemoryStore())
    uploads = choices.uploads or MemoryUploads(clock, upload_quota(configuration))
    workspace = _workspace(configuration)
    tools = _tools(configuration, choices, workspace, clock)
    sessions = Sessions()
    try:
        models = await _models(configuration, choices, sessions, clock)
        services = RunServices(
            store=store,
            catalogue=models,
            clock=clock,
            tool_executor=ToolExecutor(tools, settings.limits.max_tool_result_chars),
            attachments=NamedFiles(uploads, workspace),
            uploads=uploads,
            limits=settings.limits,
            hooks=choices.hooks,
            system_prompt=choices.system_prompt or settings.model.system_prompt,
            reasoning_effort=choices.reasoning_effort or settings.model.reasoning_effort,
            flush_interval=settings.store.flush_interval_seconds,
            retention_days=choices.retention_days,
        )
        async with Runs(services).open() as runs:
            names = tuple(tool.schema.name for tool in tools)
            yield Runtime(
                configuration=configuration,
                store=store,
                uploads=uploads,
                clock=clock,
                models=models,
                runs=runs,
                tools=names,
                sessions=sessions,
                started_ms=clock.steady_ms(),
            )
    finally:
        await sessions.close()


async def _models(
    configuration: Configuration, choices: Choices, sessions: Sessions, clock: Clock
) -> ConfiguredModels:
    built_in: list[Model] = [DemoModel(clock)]
    chosen = choices.model or configuration.settings.model.default
    if chosen is not None and not isinstance(chosen, str):
        built_in.append(chosen)
        chosen = chosen.info.id
    hosts = configured_hosts(configuration)
    models = ConfiguredModels(hosts, built_in, chosen or DemoModel.ID, sessions, clock)
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
        place = configuration.file or "the environment"
        raise ConfigurationError(f"{place}: server.workspace: there is no folder {folder}.")
    return Workspace(path, hard_links=configuration.settings.server.workspace_hard_links)


def _tools(
    configuration: Configuration, choices: Choices, workspace: Workspace | None, clock: Clock
) -> Sequence[Tool]:
    if choices.tools is not None:
        return choices.tools
    settings = configuration.settings.tools
    if not settings.enabled:
        return ()
    return builtin_tools(workspace, lambda: clock.unix_ms() / 1000, settings.fetch)
