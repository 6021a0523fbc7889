"""How a run was started, as text in its log, so that it can be continued after a restart."""

from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator, Sequence

import msgspec

from thinkaloud.errors import InternalError, ThinkaloudError
from thinkaloud.events.fold import RunFold
from thinkaloud.events.model import ModelEvent
from thinkaloud.events.prompt import Effort, ModelOptions, ModelRequest, ToolSchema, Turn
from thinkaloud.ports.catalogue import Catalogue
from thinkaloud.ports.model import Model, ModelInfo, ReasoningAbility
from thinkaloud.ports.principal import Principal, ReasoningPolicy
from thinkaloud.runtime.runs.run import RunSpec


class StoredSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """The fields of a `RunSpec` that are not in the first event of its run."""

    conversation_id: str
    principal: Principal
    effort: Effort | None
    system_prompt: str | None = None
    stop_detached_after: float | None = None
    history: tuple[Turn, ...] = ()
    client_tools: tuple[ToolSchema, ...] = ()
    server_tools: bool = True
    options: ModelOptions = ModelOptions()
    reasoning: ReasoningPolicy = "allow"


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(StoredSpec)


def encode_continuation(spec: RunSpec) -> str:
    """Return what `decode_continuation` needs besides the log."""
    fields = {name: getattr(spec, name) for name in StoredSpec.__struct_fields__}
    return b64encode(_encoder.encode(StoredSpec(**fields))).decode()


def decode_continuation(run: RunFold, catalogue: Catalogue) -> RunSpec:
    """Return the specification of a run that waits.

    A model that is not configured any more fails the run when it is called. Raises `InternalError`
    if the run cannot be continued.
    """
    if run.checkpoint is None:
        raise InternalError(f"{run.run_id} has nothing to be continued from.")
    try:
        found = _decoder.decode(b64decode(run.checkpoint.spec))
    except (msgspec.MsgspecError, ValueError) as error:
        raise InternalError(f"{run.run_id} cannot be continued: {error}") from error
    started = run.started
    return RunSpec(
        run_id=run.run_id,
        input=started.input,
        model=_model(started.model, catalogue),
        max_iterations=started.max_iterations,
        attachments=run.attachments,
        replaces=started.replaces,
        **{name: getattr(found, name) for name in StoredSpec.__struct_fields__},
    )


def continuation_key(run: RunFold) -> str | None:
    """Return the API key that started a run that waits; None without one, or if it is unknown."""
    if run.checkpoint is None:
        return None
    try:
        return _decoder.decode(b64decode(run.checkpoint.spec)).principal.key_id
    except (msgspec.MsgspecError, ValueError):
        return None


def _model(model_id: str, catalogue: Catalogue) -> Model:
    try:
        return catalogue.open(model_id)
    except ThinkaloudError as error:
        return _MissingModel(model_id, error)


class _MissingModel:
    """A model that cannot be called."""

    def __init__(self, model_id: str, error: ThinkaloudError) -> None:
        ability = ReasoningAbility(supported=False, streams=False, efforts=(), budget=False)
        self.info = ModelInfo(model_id, model_id, model_id.partition("/")[0], None, ability)
        self._error = error

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[ModelEvent]]:
        """Raise why it cannot be called."""
        del request
        raise self._error
        yield ()
