"""`--owner`: selects whose conversations a command uses."""

from pathlib import Path

import msgspec

from thinkaloud.auth.names import is_owner_name
from thinkaloud.config import Configuration, load
from thinkaloud.errors import InvalidRequest


def load_for(file: Path | None, owner: str | None) -> Configuration:
    """Load the configuration for the conversations of an owner; None for the default one.

    Raises `ConfigurationError`, and `InvalidRequest` if this cannot be an owner's name.
    """
    configuration = load(file)
    if owner is None:
        return configuration
    if not is_owner_name(owner):
        raise InvalidRequest(
            "--owner must be the name of an owner: 1 to 128 printable ASCII characters.",
            field="owner",
        )
    return msgspec.structs.replace(configuration, owner=owner, owner_is_chosen=True)
