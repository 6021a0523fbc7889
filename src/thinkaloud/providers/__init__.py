"""Providers: dialects (API formats), hosts (who serves models), families (what models can do).

These names are the API for packages that add one. They are imported lazily.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thinkaloud.ports.model import Decoder, Dialect, HttpRequest, ListedModel
    from thinkaloud.providers.dialects.binding import quirks_of
    from thinkaloud.providers.dialects.framing import Reader
    from thinkaloud.providers.dialects.http_errors import refusal
    from thinkaloud.providers.dialects.sse_dialect import DialectQuirks, Parts, SSEDialect
    from thinkaloud.providers.families.rule import FamilyRule, HostOverride
    from thinkaloud.providers.hosts.host import Host
    from thinkaloud.providers.target import Family, Target

_HOMES = {
    "Decoder": "thinkaloud.ports.model",
    "Dialect": "thinkaloud.ports.model",
    "DialectQuirks": "thinkaloud.providers.dialects.sse_dialect",
    "Family": "thinkaloud.providers.target",
    "FamilyRule": "thinkaloud.providers.families.rule",
    "Host": "thinkaloud.providers.hosts.host",
    "HostOverride": "thinkaloud.providers.families.rule",
    "HttpRequest": "thinkaloud.ports.model",
    "ListedModel": "thinkaloud.ports.model",
    "Parts": "thinkaloud.providers.dialects.sse_dialect",
    "Reader": "thinkaloud.providers.dialects.framing",
    "SSEDialect": "thinkaloud.providers.dialects.sse_dialect",
    "Target": "thinkaloud.providers.target",
    "quirks_of": "thinkaloud.providers.dialects.binding",
    "refusal": "thinkaloud.providers.dialects.http_errors",
}

__all__ = [
    "Decoder",
    "Dialect",
    "DialectQuirks",
    "Family",
    "FamilyRule",
    "Host",
    "HostOverride",
    "HttpRequest",
    "ListedModel",
    "Parts",
    "Reader",
    "SSEDialect",
    "Target",
    "quirks_of",
    "refusal",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(home), name)
