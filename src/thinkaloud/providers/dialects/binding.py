"""What a dialect needs of the target that it is bound to."""

from typing import TypeVar

import msgspec

from thinkaloud.errors import ConfigurationError
from thinkaloud.providers.target import Target

_Quirks = TypeVar("_Quirks", bound=msgspec.Struct)


def quirks_of(target: Target, kind: type[_Quirks]) -> _Quirks:
    """Return the quirks of this target: its family's laid over its host's.

    Raises `thinkaloud.errors.ConfigurationError` where a key is unknown or a value is wrong.
    """
    given = {**target.quirks, **target.family.quirks}
    try:
        return msgspec.convert(given, kind, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigurationError(
            f"hosts.{target.host}: the quirks for {target.dialect} are wrong: {error}."
        ) from error
