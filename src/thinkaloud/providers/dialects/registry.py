"""All dialects by name: the built-in ones, and those of other packages."""

import importlib
from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import Protocol, cast

import msgspec

from thinkaloud.errors import ConfigurationError
from thinkaloud.ports.model import Dialect
from thinkaloud.providers import entry_points
from thinkaloud.providers.hosts.host import BUILT_IN_DIALECTS
from thinkaloud.providers.target import Target

Bind = Callable[[Target], Dialect]


class _DialectModule(Protocol):
    def bind(self, target: Target) -> Dialect: ...


def dialect_names() -> list[str]:
    """Return the names of all dialects, without importing any."""
    return list(dict.fromkeys([*BUILT_IN_DIALECTS, *entry_points.installed(entry_points.DIALECTS)]))


def load_dialect(name: str) -> Bind:
    """Import a dialect and return its `bind`; nothing is imported before it is used.

    A built-in name cannot be replaced. Raises `ConfigurationError` if there is no such dialect,
    or if its package is broken.
    """
    if name in BUILT_IN_DIALECTS:
        module = importlib.import_module(f"thinkaloud.providers.dialects.{name.replace('-', '_')}")
        return cast("_DialectModule", module).bind
    found = entry_points.installed(entry_points.DIALECTS).get(name)
    if found is None:
        raise ConfigurationError(
            f"There is no dialect {name}. Available: {', '.join(dialect_names())}."
        )
    loaded = entry_points.load(found)
    if not callable(loaded):
        raise entry_points.broken(found, "is not a function that takes a Target")
    return _guarded(found, cast("Bind", loaded))


def _guarded(found: EntryPoint, bind: Bind) -> Bind:
    """Return a `bind` whose unexpected exceptions name the package."""

    def guarded(target: Target) -> Dialect:
        try:
            return bind(target)
        except (ConfigurationError, msgspec.ValidationError):
            raise
        except Exception as error:
            raise entry_points.broken(found, f"failed: {error!r}") from error

    return guarded
