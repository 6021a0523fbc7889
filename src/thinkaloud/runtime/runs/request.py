"""From what a caller asks for to what is run."""

import math
import re
import secrets
from typing import Final

import msgspec

from thinkaloud.errors import InvalidRequest, NotFound
from thinkaloud.events.event import UserInput
from thinkaloud.events.fold import RunFold
from thinkaloud.events.prompt import Effort
from thinkaloud.ports.attachments import Attachments
from thinkaloud.ports.catalogue import Catalogue
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.store import Conversation, ConversationPatch, RunRecord, Store
from thinkaloud.ports.uploads import Uploads
from thinkaloud.runtime.runs.attachments import attachments_of, load_attachments, names_of
from thinkaloud.runtime.runs.effort import effective_effort
from thinkaloud.runtime.runs.hooks import HookSource
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.runtime.runs.run import RunSpec
from thinkaloud.runtime.runs.tool_executor import ToolExecutor

ID_PATTERN: Final = re.compile(r"[A-Za-z0-9_:-]{1,64}\Z")
"""What a conversation id looks like."""
MAX_ITERATIONS: Final = 1000
"""The most that a request may ask for."""


class RunRequest(msgspec.Struct, frozen=True):
    """What a caller asks for; not yet checked."""

    text: str
    conversation_id: str | None = None
    context: dict[str, object] = {}
    context_files: tuple[str, ...] | None = None
    """Texts and pictures. None, without an `image_path` either: those of the run that it replaces."""
    image_path: str | None = None
    max_iterations: int | None = None
    model: str | None = None
    reasoning_effort: Effort | None = None
    idempotency_key: str | None = None
    replaces: str | None = None
    """A run of this conversation whose place the new one takes: regenerate, edit and resend."""
    temporary: bool = False
    """Whether a conversation that this request makes leaves nothing behind."""
    stop_detached_after: float | None = None
    """Seconds after which the run is stopped when nobody follows it; None: the server's setting,
    infinity: it goes on to its end."""


class RunServices(msgspec.Struct, frozen=True):
    """What the supervisor works with."""

    store: Store
    catalogue: Catalogue
    clock: Clock
    tool_executor: ToolExecutor
    attachments: Attachments
    uploads: Uploads
    """Where `attachments` finds uploads: it is told which conversations use them."""
    limits: Limits = Limits()
    hooks: tuple[HookSource, ...] = ()
    system_prompt: str | None = None
    reasoning_effort: Effort | None = None
    """The server's default."""
    flush_interval: float = 0.25
    """Seconds for which events may wait to be saved; what a crash can lose at most."""
    retention_days: float | None = None
    """Conversations that were not touched for so long are deleted; None: they stay."""


async def build_spec(
    owner: str, request: RunRequest, services: RunServices, replaced: RunFold | None
) -> RunSpec:
    """Turn a checked request into a run to be carried out, reading the files that it names.

    `replaced` is the state of the run that it replaces. Raises `UnknownModel`,
    `ConfigurationError`, `UnsupportedEffort` or `InvalidRequest`.
    """
    names = names_of(request.context_files, request.image_path, replaced)
    if not request.text.strip() and not names:
        raise InvalidRequest("text is empty.", field="text")
    model = services.catalogue.open(request.model)
    effort = effective_effort(request.reasoning_effort, services.reasoning_effort, model.info)
    attachments = await load_attachments(
        owner,
        names,
        attachments_of(replaced),
        services.attachments,
        model.info,
        services.limits.max_attachment_bytes,
    )
    return RunSpec(
        run_id=f"run_{secrets.token_hex(12)}",
        conversation_id=request.conversation_id or f"conv_{secrets.token_hex(12)}",
        owner=owner,
        input=UserInput(request.text, request.context, names.context_files, names.image_path),
        model=model,
        max_iterations=request.max_iterations or services.limits.max_iterations,
        effort=effort,
        attachments=attachments,
        system_prompt=services.system_prompt,
        replaces=request.replaces,
        stop_detached_after=_grace(request, services.limits),
    )


async def replaced_run(owner: str, request: RunRequest, store: Store) -> RunRecord | None:
    """Return the run whose place the new one is to take, if any. Raises `InvalidRequest`."""
    if request.replaces is None:
        return None
    run = await store.run(owner, request.replaces)
    if run is None or run.conversation_id != request.conversation_id:
        raise InvalidRequest("replaces is no run of this conversation.", field="replaces")
    return run


def _grace(request: RunRequest, limits: Limits) -> float | None:
    if request.stop_detached_after is None:
        return limits.stop_detached_after_seconds
    return None if math.isinf(request.stop_detached_after) else request.stop_detached_after


async def open_conversation(
    services: RunServices, owner: str, conversation_id: str, request: RunRequest
) -> None:
    """Make the conversation of this id, or touch it.

    Raises `NotFound` for another owner's, and `InvalidRequest` where it shall be temporary and is not.
    """
    now_ms = services.clock.unix_ms()
    if request.temporary and request.conversation_id is not None:
        await _check_temporary(services.store, owner, conversation_id)
    touch = ConversationPatch(updated_at_ms=now_ms)
    if await services.store.update_conversation(owner, conversation_id, touch) is not None:
        return
    new = Conversation(conversation_id, owner, now_ms, now_ms, temporary=request.temporary)
    if await services.store.create_conversation(new):
        return
    # Another message may have created it since.
    if await services.store.conversation(owner, conversation_id) is None:
        raise NotFound("There is no such conversation.")


async def _check_temporary(store: Store, owner: str, conversation_id: str) -> None:
    found = await store.conversation(owner, conversation_id)
    if found is not None and not found.temporary:
        raise InvalidRequest("This conversation is kept: it is not temporary.", field="temporary")
    if found is None:
        raise InvalidRequest(
            "A temporary conversation gets its id from the server: leave conversation_id out.",
            field="conversation_id",
        )


def check(request: RunRequest) -> None:
    """Check what can be checked without asking anybody. Raises `InvalidRequest`."""
    if "\x00" in request.text:
        raise InvalidRequest("text has a NUL character.", field="text")
    _check_json("text", request.text)
    _check_json("context", request.context)
    _check_json("context_files", request.context_files)
    _check_json("image_path", request.image_path)
    conversation_id = request.conversation_id
    if conversation_id is not None and not ID_PATTERN.match(conversation_id):
        raise InvalidRequest(
            "conversation_id is 1 to 64 of A-Z a-z 0-9 _ : and -.", field="conversation_id"
        )
    iterations = request.max_iterations
    if iterations is not None and not 1 <= iterations <= MAX_ITERATIONS:
        raise InvalidRequest(
            f"max_iterations is a number from 1 to {MAX_ITERATIONS}.", field="max_iterations"
        )


def _check_json(field: str, value: object) -> None:
    """Refuse what could not be kept: it would be found out in the middle of the run."""
    try:
        msgspec.json.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidRequest(f"{field} has no JSON form: {error}", field=field) from error
