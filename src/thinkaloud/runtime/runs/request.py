"""Run requests: checking them and building run specifications."""

import math
import re
import secrets
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from thinkaloud.core.redaction.redaction import Redaction
from thinkaloud.core.redaction.redactor import Redactor
from thinkaloud.errors import Forbidden, InvalidRequest
from thinkaloud.events.event import Attachment, UserInput
from thinkaloud.events.fold import Fold, RunFold
from thinkaloud.events.prompt import Effort, ModelOptions, ToolResult, ToolSchema, Turn
from thinkaloud.events.view import ToolBlock
from thinkaloud.ports.attachments import Attachments
from thinkaloud.ports.catalogue import Catalogue
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.execution.approvals import RememberedApprovals
from thinkaloud.ports.model import Model
from thinkaloud.ports.principal import Principal, ReasoningPolicy, strictest
from thinkaloud.ports.store import RunRecord, Store
from thinkaloud.ports.uploads import Uploads
from thinkaloud.runtime.runs.attachments import (
    attachments_of,
    checked_images,
    load_attachments,
    names_of,
)
from thinkaloud.runtime.runs.effort import permitted_effort
from thinkaloud.runtime.runs.hooks import HookSource
from thinkaloud.runtime.runs.limits import AdmissionLimits, Lease, Limits
from thinkaloud.runtime.runs.run import RunSpec
from thinkaloud.runtime.selections import Selections
from thinkaloud.runtime.tools.approval_policy import ApprovalSettings
from thinkaloud.runtime.tools.executor import ToolExecutor

ID_PATTERN: Final = re.compile(r"[A-Za-z0-9_:-]{1,64}\Z")
"""The format of a conversation id."""
MAX_ITERATIONS: Final = 1000
"""The largest `max_iterations` of a request."""
MAX_CONTEXT_FILES: Final = 64
"""The maximum number of `context_files` in a client's message."""
_STORED: Final = ("text", "context", "context_files", "image_path", "history", "tool_results")
"""The fields that are stored as JSON."""
_UNENCODABLE: Final = (TypeError, ValueError, OverflowError, RecursionError)


class MessageFields(msgspec.Struct, frozen=True, kw_only=True):
    """The message fields common to all entry points, with their published descriptions.

    Constraints that are only in the schema here are enforced by `check`.
    """

    context: Annotated[
        dict[str, object], Meta(description="Key-value pairs to include in the prompt.")
    ] = {}
    context_files: (
        Annotated[
            tuple[str, ...],
            Meta(
                extra_json_schema={"maxItems": MAX_CONTEXT_FILES},
                description="Text files and images to include in the prompt: uploads, or files in the"
                " configured workspace. Images for models that accept them. Null: none, or with"
                " `replaces` and without `image_path`, those of that run.",
            ),
        ]
        | None
    ) = None
    image_path: Annotated[
        str | None, Meta(description="An image, named like the context files.")
    ] = None
    max_iterations: (
        Annotated[
            int,
            Meta(
                extra_json_schema={"minimum": 1, "maximum": MAX_ITERATIONS},
                description="Maximum number of model calls.",
            ),
        ]
        | None
    ) = None
    model: Annotated[
        str | None, Meta(description="`host/model`; by default the current model.")
    ] = None
    replaces: Annotated[
        str | None,
        Meta(
            description="A run of this conversation. The new run is another version of it:"
            " regenerate with the same text, or edit it. It is selected by its first answer text;"
            " the old version is kept, with everything that followed it."
        ),
    ] = None

    def shared_fields(self) -> dict[str, Any]:
        """Return the values of these fields, to construct another kind of message."""
        return {name: getattr(self, name) for name in MessageFields.__struct_fields__}


class RunRequest(MessageFields, frozen=True):
    """An unchecked request for a run."""

    text: str
    conversation_id: str | None = None
    reasoning_effort: Effort | None = None
    idempotency_key: str | None = None
    temporary: bool = False
    """Whether a conversation created by this request is kept in memory only."""
    unlisted: bool = False
    """Whether a conversation created by this request is in no list."""
    stop_detached_after: float | None = None
    """Stop the run after this many seconds without a follower. None: as configured. Infinity:
    never."""
    system_prompt: str | None = None
    """The system prompt. None: as configured."""
    instructions: str | None = None
    """The client's own instructions, which follow the system prompt."""
    history: tuple[Turn, ...] = ()
    """The turns before the message, from a client that keeps the conversation itself. They are part
    of the prompts of this run, and stored nowhere."""
    images: tuple[Attachment, ...] = ()
    """Images whose content comes with the request."""
    client_tools: tuple[ToolSchema, ...] = ()
    """Tools that the client executes: a run that calls one ends, and returns the call. They take
    precedence over the server's own tools of the same name."""
    server_tools: bool = True
    """Whether the model may call the server's own tools."""
    tool_results: tuple[ToolResult, ...] = ()
    """Results of the calls that the previous run of the conversation returned to the client."""
    options: ModelOptions = ModelOptions()
    reasoning_policy: ReasoningPolicy = "allow"
    """The policy of the channel that starts the run. The strictest policy wins."""

    @property
    def continues(self) -> bool:
        """Whether the run can do without a new message."""
        return bool(self.tool_results or self.history)


class RunServices(msgspec.Struct, frozen=True):
    """The dependencies of the supervisor."""

    store: Store
    catalogue: Catalogue
    clock: Clock
    tool_executor: ToolExecutor
    attachments: Attachments
    uploads: Uploads
    """The uploads that `attachments` reads, and which conversations use them."""
    limits: Limits = Limits()
    admission: AdmissionLimits = AdmissionLimits()
    """Limits on the number of concurrent runs."""
    hooks: tuple[HookSource, ...] = ()
    system_prompt: str | None = None
    reasoning_effort: Effort | None = None
    """The default for requests without one."""
    reasoning: ReasoningPolicy = "allow"
    """The server's policy for what is recorded of reasoning."""
    redaction: Redaction = Redaction(Redactor())
    """How reasoning is redacted, where the policy demands it."""
    approvals: ApprovalSettings = ApprovalSettings()
    """Which tool calls a person has to approve."""
    remembered: RememberedApprovals | None = None
    """Approvals that count for all runs of an owner. None: they are kept in memory."""
    flush_interval: float = 0.25
    """Seconds between saves: the most that a crash can lose."""
    retention_days: float | None = None
    """Conversations not updated for this long are deleted. None: never."""
    lease: Lease = Lease()
    """How this process takes part, if others share the store."""


async def build_spec(
    principal: Principal,
    request: RunRequest,
    services: RunServices,
    selections: Selections,
    replaced: RunFold | None,
) -> RunSpec:
    """Build a run specification from a checked request, reading the files that it names.

    `replaced` is the state of the run that it replaces. Raises `Forbidden`, `UnknownModel`,
    `ConfigurationError`, `UnsupportedEffort` or `InvalidRequest`.
    """
    names = names_of(request.context_files, request.image_path, replaced)
    if not (request.text.strip() or names or request.images or request.continues):
        raise InvalidRequest("text is empty.", field="text")
    model, effort = _model_and_effort(principal, request, services, selections)
    attachments = await load_attachments(
        principal.owner,
        names,
        attachments_of(replaced),
        services.attachments,
        model.info,
        services.limits.max_attachment_bytes,
    )
    attachments += checked_images(request.images, model.info)
    return RunSpec(
        run_id=f"run_{secrets.token_hex(12)}",
        conversation_id=request.conversation_id or f"conv_{secrets.token_hex(12)}",
        principal=principal,
        input=UserInput(
            request.text,
            request.context,
            names.context_files,
            names.image_path,
            request.tool_results,
        ),
        model=model,
        max_iterations=request.max_iterations or services.limits.max_iterations,
        effort=effort,
        attachments=attachments,
        system_prompt=_system_prompt(request, services),
        history=request.history,
        client_tools=request.client_tools,
        server_tools=request.server_tools,
        options=request.options,
        replaces=request.replaces,
        stop_detached_after=_stop_delay(request, services.limits),
        idempotency_key=request.idempotency_key,
        reasoning=strictest(services.reasoning, principal.reasoning, request.reasoning_policy),
    )


def _model_and_effort(
    principal: Principal, request: RunRequest, services: RunServices, selections: Selections
) -> tuple[Model, Effort | None]:
    """Return what the request asks for, or what its owner has selected, if that is permitted."""
    # Before it is opened: whether a model exists is not for those who may not use it.
    check_model(principal, request.model)
    asked = selections.model(principal.owner) if request.model is None else request.model
    model = services.catalogue.open(asked)
    check_model(principal, model.info.id)
    selected = selections.effort(principal.owner)
    effort = permitted_effort(
        request.reasoning_effort,
        services.reasoning_effort if selected is None else selected,
        principal.max_effort,
        model.info,
    )
    return model, effort


def check_model(principal: Principal, model_id: str | None) -> None:
    """Raise `Forbidden` if the principal may not use this model. None: the default one."""
    if model_id is not None and not principal.may_use(model_id):
        raise Forbidden("This key may not use that model.", field="model")


def _system_prompt(request: RunRequest, services: RunServices) -> str | None:
    texts = (request.system_prompt or services.system_prompt, request.instructions)
    return "\n\n".join(text for text in texts if text) or None


def check_tool_results(request: RunRequest, fold: Fold) -> None:
    """Check that the last run of the conversation returned the calls of these results.

    Raises `InvalidRequest`: nothing may be presented to the model as the result of a call that it
    never made.
    """
    last = next(reversed(fold.runs.values()), None)
    blocks = () if last is None else last.view().blocks
    returned = {
        block.tool_call_id
        for block in blocks
        if isinstance(block, ToolBlock) and block.status == "requested"
    }
    for result in request.tool_results:
        if result.tool_call_id not in returned:
            raise InvalidRequest(
                f"No tool call {result.tool_call_id!r} of this conversation waits for a result.",
                field="tool_results",
            )


async def replaced_run(owner: str, request: RunRequest, store: Store) -> RunRecord | None:
    """Return the run that the new one replaces, if any. Raises `InvalidRequest`."""
    if request.replaces is None:
        return None
    run = await store.run(owner, request.replaces)
    if run is None or run.conversation_id != request.conversation_id:
        raise InvalidRequest("replaces is not a run of this conversation.", field="replaces")
    return run


def _stop_delay(request: RunRequest, limits: Limits) -> float | None:
    if request.stop_detached_after is None:
        return limits.stop_detached_after_seconds
    return None if math.isinf(request.stop_detached_after) else request.stop_detached_after


async def check_temporary(owner: str, request: RunRequest, store: Store) -> None:
    """Check that a request for a temporary conversation names one, or none.

    Raises `InvalidRequest`.
    """
    if not request.temporary or request.conversation_id is None:
        return
    found = await store.conversation(owner, request.conversation_id)
    if found is not None and not found.temporary:
        raise InvalidRequest(
            "This conversation is saved, so it cannot become temporary.", field="temporary"
        )
    if found is None:
        raise InvalidRequest(
            "The server assigns the id of a temporary conversation: leave conversation_id out.",
            field="conversation_id",
        )


def check(request: RunRequest) -> None:
    """Check everything that needs no lookup. Raises `InvalidRequest`."""
    if "\x00" in request.text:
        raise InvalidRequest("text must not contain a NUL character.", field="text")
    try:
        msgspec.json.encode([getattr(request, name) for name in _STORED])
    except _UNENCODABLE:
        for name in _STORED:
            _check_json(name, getattr(request, name))
    conversation_id = request.conversation_id
    if conversation_id is not None and not ID_PATTERN.match(conversation_id):
        raise InvalidRequest(
            "conversation_id must be 1 to 64 of the characters A-Z a-z 0-9 _ : and -.",
            field="conversation_id",
        )
    iterations = request.max_iterations
    if iterations is not None and not 1 <= iterations <= MAX_ITERATIONS:
        raise InvalidRequest(
            f"max_iterations must be a number from 1 to {MAX_ITERATIONS}.", field="max_iterations"
        )


def _check_json(field: str, value: object) -> None:
    """Raise `InvalidRequest` for a value that cannot be stored, before the run starts."""
    try:
        msgspec.json.encode(value)
    except _UNENCODABLE as error:
        raise InvalidRequest(
            f"{field} cannot be converted to JSON: {error}", field=field
        ) from error
