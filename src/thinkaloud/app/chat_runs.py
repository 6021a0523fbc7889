"""The runtime as the chat platforms use it: implements `ChatRuns`."""

import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from thinkaloud.app.runtime import Runtime
from thinkaloud.channels.platform.engine.runs import RunFeed, RunOrder
from thinkaloud.core.conversations.filenames import file_label
from thinkaloud.errors import InvalidRequest, NotFound
from thinkaloud.events.fold import RunFold
from thinkaloud.events.view import RunView
from thinkaloud.ports.model import ModelInfo
from thinkaloud.ports.principal import ReasoningPolicy
from thinkaloud.runtime.log.follower import Snapshot
from thinkaloud.runtime.run_stream import RunStream, follow_run
from thinkaloud.runtime.runs.request import RunRequest
from thinkaloud.tools.attachments import MAX_IMAGE_BYTES, MAX_TEXT_BYTES, image_type


class PlatformRuns:
    """The runs, models and uploads of a runtime, under the reasoning policy of a channel."""

    def __init__(self, runtime: Runtime, reasoning: ReasoningPolicy = "allow") -> None:
        self._runtime = runtime
        self._runs = runtime.runs
        self._reasoning: ReasoningPolicy = reasoning
        self._reader = self._runs.reader(reasoning)

    async def start(self, order: RunOrder) -> str:
        """Start a run and return its id, or that of the run that this key started before."""
        request = RunRequest(
            order.text,
            order.conversation_id,
            reasoning_effort=order.reasoning_effort,
            idempotency_key=order.key,
            context=dict(order.context),
            context_files=order.files or None,
            model=order.model,
            system_prompt=order.system_prompt,
            # A chat reads the answer later, even if its channel is not connected now.
            stop_detached_after=math.inf,
            reasoning_policy=self._reasoning,
        )
        return (await self._runs.start(self._runtime.person(order.owner), request)).run_id

    async def started(self, owner: str, key: str) -> str | None:
        """Return the id of the run that this key started, if any."""
        found = await self._runtime.store.run_for_key(owner, key)
        return found.run_id if found is not None else None

    async def stop(self, owner: str, conversation_id: str, run_id: str | None = None) -> bool:
        """Stop the active run of a conversation (only this one, if given)."""
        active = await self._runs.open_runs.in_conversation(owner, conversation_id)
        wanted = run_id or (active[0] if active else None)
        if wanted is None or wanted not in active:
            return False
        await self._runs.stop(owner, wanted)
        return True

    @asynccontextmanager
    async def follow(self, owner: str, run_id: str) -> AsyncGenerator[RunFeed]:
        """Follow a run from its first event to its end."""
        record = await self._runs.record(owner, run_id)
        async with follow_run(self._runs, record, policy=self._reasoning) as stream:
            yield _Feed(stream, run_id)

    async def latest(self, owner: str, conversation_id: str) -> RunView | None:
        """Return the latest run of a conversation that has reasoning."""
        try:
            fold = self._reader.fold(await self._runs.hub.fold(owner, conversation_id))
        except NotFound:
            return None
        views = (run.view() for run in reversed(fold.runs.values()))
        return next((view for view in views if view.reasoning.strip()), None)

    async def run(self, owner: str, run_id: str) -> tuple[str, RunView] | None:
        """Return a run and the id of its conversation."""
        try:
            record = await self._runs.record(owner, run_id)
        except NotFound:
            return None
        fold = (await self._runs.hub.fold(owner, record.conversation_id)).run(run_id)
        if fold is None:
            return None
        return record.conversation_id, self._reader.run(fold).view()

    async def models(self) -> Sequence[ModelInfo]:
        """List the available models."""
        return await self._runtime.models.models()

    def model(self, model_id: str | None) -> ModelInfo:
        """Return a model, by default the server's. Raises `UnknownModel` with similar ids."""
        return self._runtime.models.open(model_id).info

    async def keep_file(self, owner: str, name: str, data: bytes) -> str:
        """Store an uploaded file and return its id. Raises `InvalidRequest`."""
        media_type = _media_type(data)
        limit = MAX_TEXT_BYTES if media_type == "text/plain" else MAX_IMAGE_BYTES
        if len(data) > min(limit, self.max_file_bytes):
            raise InvalidRequest(f"it has more than {limit:,} bytes.")
        label = file_label(name)
        return (await self._runtime.uploads.keep(owner, label, media_type, data)).id

    @property
    def max_file_bytes(self) -> int:
        """The largest file that `keep_file` accepts."""
        configured = self._runtime.configuration.settings.server.max_upload_bytes
        return min(configured, max(MAX_TEXT_BYTES, MAX_IMAGE_BYTES))


class _Feed:
    """A run stream, as the layer sees it."""

    def __init__(self, stream: RunStream, run_id: str) -> None:
        self._stream = stream
        self._run_id = run_id
        self._fold: RunFold | None = None

    async def changed(self) -> bool:
        while True:
            found = await self._stream.update()
            if isinstance(found, Snapshot):
                fold = found.fold.run(self._run_id)
                if fold is None:
                    continue
                self._fold = fold
                return True
            for logged in found:
                if self._fold is None:
                    self._fold = RunFold(logged)
                else:
                    self._fold.apply(logged)
            return bool(found)

    def view(self) -> RunView | None:
        return self._fold.view() if self._fold is not None else None


def _media_type(data: bytes) -> str:
    if not data:
        raise InvalidRequest("it is empty.")
    found = image_type(data)
    if found is not None:
        return found
    try:
        data.decode()
    except UnicodeDecodeError:
        found = None
    else:
        found = None if b"\x00" in data else "text/plain"
    if found is None:
        raise InvalidRequest("use PNG, JPEG, GIF, WebP or a UTF-8 text file.")
    return found
