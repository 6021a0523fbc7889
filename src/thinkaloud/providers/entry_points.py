"""Dialects, hosts and model families that other packages add through entry points."""

import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Final, Literal

from thinkaloud.errors import ConfigurationError

Group = Literal["thinkaloud.dialects", "thinkaloud.hosts", "thinkaloud.families"]

DIALECTS: Final = "thinkaloud.dialects"
"""A function `bind(target)` that returns a `Dialect`."""
HOSTS: Final = "thinkaloud.hosts"
"""A `Host` with the same name as the entry point."""
FAMILIES: Final = "thinkaloud.families"
"""A sequence of `ModelFamily`."""


def installed(group: Group) -> Mapping[str, EntryPoint]:
    """Return the entry points of a group by name, without importing any of them."""
    return _installed(group, tuple(sys.path))


def load(found: EntryPoint) -> object:
    """Import the object of an entry point. Raises `ConfigurationError` if that fails."""
    try:
        return found.load()
    except Exception as error:
        raise broken(found, f"cannot be imported: {error!r}") from error


def broken(found: EntryPoint, reason: str) -> ConfigurationError:
    """Return the error for an entry point that cannot be used."""
    package = found.dist.name if found.dist is not None else "an installed package"
    return ConfigurationError(
        f"{found.group}: {found.name} = {found.value} of {package} {reason}."
        " Update or uninstall the package."
    )


@lru_cache(maxsize=8)
def _installed(group: Group, _path: tuple[str, ...]) -> Mapping[str, EntryPoint]:
    """Search each path only once, as reading all package metadata takes milliseconds."""
    return {found.name: found for found in entry_points(group=group)}
