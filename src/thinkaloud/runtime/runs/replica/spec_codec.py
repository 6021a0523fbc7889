"""Run specifications as bytes, so that any replica can execute a queued run."""

import msgspec

from thinkaloud.errors import InternalError
from thinkaloud.events.event import Attachment, UserInput
from thinkaloud.ports.catalogue import Catalogue
from thinkaloud.runtime.runs.run import RunSpec
from thinkaloud.runtime.runs.waiting.continuation import StoredSpec


class _Spec(StoredSpec, frozen=True, omit_defaults=True, kw_only=True):
    """A `RunSpec` whose model is named, not opened."""

    run_id: str
    input: UserInput
    model: str
    max_iterations: int
    attachments: tuple[Attachment, ...] = ()
    replaces: str | None = None
    idempotency_key: str | None = None


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
