"""Validation when a dialect is bound to a target."""

from typing import TypeVar

import msgspec

from thinkaloud.errors import ConfigurationError, InvalidRequest
from thinkaloud.events.prompt import ModelRequest, UserTurn
from thinkaloud.providers.target import Target

_Quirks = TypeVar("_Quirks", bound=msgspec.Struct)


def quirks_of(target: Target, kind: type[_Quirks]) -> _Quirks:
    """Return the quirks of a target; its family's override its host's.

    Raises `thinkaloud.errors.ConfigurationError` if a key is unknown or a value is wrong.
    """
    merged = {**target.quirks, **target.family.quirks}
    try:
        return msgspec.convert(merged, kind, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigurationError(
            f"hosts.{target.host}: invalid quirks for {target.dialect}: {error}."
        ) from error


def check_images(request: ModelRequest, target: Target) -> None:
    """Raise `InvalidRequest` if there is an image and the model's family does not accept images."""
    if target.family.images:
        return
    for turn in request.turns:
        if isinstance(turn, UserTurn) and turn.images:
            raise InvalidRequest(f"{request.model} does not accept images.", field="image_path")
