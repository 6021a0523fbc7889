"""Test harness: a run supervisor on scripted models, with a clock that never waits."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from thinkaloud.errors import InvalidRequest, UnknownModel
from thinkaloud.events.event import Attachment, Event, LoggedEvent
from thinkaloud.ports.attachments import Attachments, FileField
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.execution.approvals import RememberedApprovals
from thinkaloud.ports.model import Model, ModelInfo
from thinkaloud.ports.principal import Principal
from thinkaloud.ports.store import RunRecord, Store
from thinkaloud.ports.tool import AnyTool, ToolSource
from thinkaloud.runtime.log.follower import Snapshot
from thinkaloud.runtime.runs.hooks import HookSource
from thinkaloud.runtime.runs.limits import AdmissionLimits, Lease, Limits
from thinkaloud.runtime.runs.supervisor import RunRequest, Runs, RunServices
from thinkaloud.runtime.tools.approval_policy import ApprovalSettings
from thinkaloud.runtime.tools.executor import ToolExecutor
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.uploads import MemoryUploads

OWNER = "local"


class FakeClock:
    """A clock that advances on each sleep, and by one millisecond per read."""

    def __init__(self) -> None:
        self.now_ms = 1_000
        self.slept: list[float] = []

    def steady_ms(self) -> int:
        self.now_ms += 1
        return self.now_ms

    def unix_ms(self) -> int:
        return 1_790_000_000_000 + self.now_ms

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_ms += int(seconds * 1000)


class FixedCatalogue:
    """A catalogue of fixed models; the first is the default."""

    def __init__(self, *models: Model) -> None:
        self._models = {model.info.id: model for model in models}
        self.current = models[0].info.id

    async def models(self) -> Sequence[ModelInfo]:
        return [model.info for model in self._models.values()]

    def open(self, model_id: str | None) -> Model:
        wanted = self.current if model_id is None else model_id
        if wanted not in self._models:
            raise UnknownModel(wanted, list(self._models))
        return self._models[wanted]

    def switch(self, model_id: str) -> ModelInfo:
        info = self.open(model_id).info
        self.current = model_id
        return info


class FixedAttachments:
    """Attachments by name, from a dictionary."""

    def __init__(self, **files: Attachment) -> None:
        self._files = files

    async def read(self, owner: str, name: str, field: FileField) -> Attachment:
        if name not in self._files:
            raise InvalidRequest(f"There is no file {name!r} that can be read here.", field=field)
        return self._files[name]


@asynccontextmanager
async def open_runs(
    *models: Model,
    tools: Sequence[AnyTool] = (),
    sources: Sequence[ToolSource] = (),
    limits: Limits | None = None,
    hooks: Sequence[HookSource] = (),
    store: Store | None = None,
    clock: Clock | None = None,
    attachments: Attachments | None = None,
    flush_interval: float = 0.25,
    system_prompt: str | None = None,
    admission: AdmissionLimits | None = None,
    lease: Lease | None = None,
    approvals: ApprovalSettings | None = None,
    remembered: RememberedApprovals | None = None,
) -> AsyncGenerator[Runs]:
    """Open a run supervisor with these models."""
    limits = limits or Limits()
    clock = clock or FakeClock()
    services = RunServices(
        store=store or MemoryStore(),
        catalogue=FixedCatalogue(*models),
        clock=clock,
        tool_executor=ToolExecutor(tools, limits.max_tool_result_chars, sources),
        attachments=attachments or FixedAttachments(),
        uploads=MemoryUploads(clock),
        limits=limits,
        admission=admission or AdmissionLimits(),
        hooks=tuple(hooks),
        flush_interval=flush_interval,
        system_prompt=system_prompt,
        lease=lease or Lease(),
        approvals=approvals or ApprovalSettings(),
        remembered=remembered,
    )
    async with Runs(services).open() as runs:
        yield runs


async def start(runs: Runs, text: str = "Hello", **request: object) -> RunRecord:
    """Start a run for the local owner."""
    return await runs.start(Principal(OWNER), RunRequest(text=text, **request))  # type: ignore[arg-type]


async def logged(runs: Runs, record: RunRecord) -> list[LoggedEvent]:
    """Follow a run to its end and return its logged events."""
    found: list[LoggedEvent] = []
    async with runs.follow(record) as follower:
        while entries := await follower.batch():
            assert not isinstance(entries, Snapshot)
            found.extend(entry.logged for entry in entries)
    return found


async def events_of(runs: Runs, text: str = "Hello", **request: object) -> list[Event]:
    """Start a run, follow it to its end, and return its events."""
    record = await start(runs, text, **request)
    return [each.event for each in await logged(runs, record)]
