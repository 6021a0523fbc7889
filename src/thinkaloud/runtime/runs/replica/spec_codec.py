"""Run specifications as bytes, so that any replica can execute a queued run."""

import msgspec

from thinkaloud.errors import InternalError
from thinkaloud.events.event import Attachment, UserInput
from thinkaloud.events.prompt import Effort, ModelOptions, ToolSchema, Turn
from thinkaloud.ports.catalogue import Catalogue
from thinkaloud.ports.principal import Principal, ReasoningPolicy
from thinkaloud.runtime.runs.run import RunSpec


class _Spec(msgspec.Struct, frozen=True, omit_defaults=True):
    """A `RunSpec` whose model is named, not opened."""

    run_id: str
    conversation_id: str
    principal: Principal
    input: UserInput
    model: str
    max_iterations: int
    effort: Effort | None
    attachments: tuple[Attachment, ...] = ()
    system_prompt: str | None = None
    replaces: str | None = None
    stop_detached_after: float | None = None
    idempotency_key: str | None = None
    history: tuple[Turn, ...] = ()
    client_tools: tuple[ToolSchema, ...] = ()
    server_tools: bool = True
    options: ModelOptions = ModelOptions()
    reasoning: ReasoningPolicy = "allow"


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Spec)


def encode_spec(spec: RunSpec) -> bytes:
    """Return all that another replica needs to execute a run, the content of files included."""
    fields = msgspec.structs.asdict(spec)
    fields["model"] = spec.model.info.id
    return _encoder.encode(_Spec(**fields))


def decode_spec(data: bytes, catalogue: Catalogue) -> RunSpec:
    """Return the specification of a run.

    Raises `UnknownModel` or `ConfigurationError` if this replica does not have its model, and
    `InternalError` if the data cannot be read.
    """
    try:
        fields = msgspec.structs.asdict(_decoder.decode(data))
    except msgspec.MsgspecError as error:
        raise InternalError(f"The specification of a queued run cannot be read: {error}") from error
    fields["model"] = catalogue.open(fields["model"])
    return RunSpec(**fields)
