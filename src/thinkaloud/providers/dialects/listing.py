"""Reading a list of models."""

from typing import TypeVar

import msgspec

from thinkaloud.errors import ProviderError

_List = TypeVar("_List")


def decode_list(body: bytes, kind: type[_List]) -> _List:
    """Decode a list of models. Raises `ProviderError` (`provider_bad_request`) if it is not one."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProviderError(
            "provider_bad_request", f"The host's list of models cannot be read: {error}."
        ) from error
