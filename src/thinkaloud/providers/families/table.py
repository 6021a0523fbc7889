"""Looks up a model's family, and what it can do on the host that serves it."""

import logging
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint
from typing import Final

import msgspec

from thinkaloud.errors import ConfigurationError
from thinkaloud.providers import entry_points
from thinkaloud.providers.families import closed, open_weights
from thinkaloud.providers.families.effort_mapping import effort_mapping
from thinkaloud.providers.families.rule import FamilyRule
from thinkaloud.providers.hosts.host import Host
from thinkaloud.providers.target import Family

_log: Final = logging.getLogger(__name__)

RULES: Final[tuple[FamilyRule, ...]] = (
    *open_weights.GPT_OSS,
    *closed.OPENAI,
    *closed.ANTHROPIC,
    *closed.GOOGLE,
    *closed.XAI,
    *closed.COHERE,
    *closed.AMAZON,
    *closed.PERPLEXITY,
    *open_weights.DEEPSEEK,
    *open_weights.QWEN,
    *open_weights.KIMI,
    *open_weights.GLM,
    *open_weights.MINIMAX,
    *open_weights.MISTRAL,
    *open_weights.OTHERS,
)
"""The built-in families. The first one whose pattern matches a plain name is used."""

UNKNOWN: Final = Family(
    "unknown",
    reasons="optional",
    shows="text",
    efforts=("none", "low", "medium", "high"),
    budget=(1024, 32_768),
    images=True,
)
"""The assumptions for an unknown model: it may reason, and accepts the common levels."""

_BUDGET: Final = (1024, 32_768)
_REGION: Final = re.compile(r"^(us|eu|apac|global|jp|au|ca|us-gov)\.(?=[a-z]+\.)")
_MAKER: Final = re.compile(r"^(?:[a-z-]+\.(?=[a-z])|zai-)")
_SILENT: Final[dict[str, dict[str, object]]] = {
    "openai-chat": {"effort": {"level_field": None}},
    "anthropic-messages": {"thinking": "none"},
    "bedrock-converse": {"reasoning": "none"},
}
"""The quirks that stop a dialect from requesting reasoning from a model that has none."""


def plain_name(model: str) -> str:
    """Return a model's name in lower case, without path, region and maker prefixes."""
    name = model.rpartition("/")[2].lower()
    return _MAKER.sub("", _REGION.sub("", name))


def family_of(host: Host, model: str, quirks: Mapping[str, object] = {}) -> Family:
    """Return the family of a model on this host. `model` is the host's name for the model.

    `efforts` and `budget` are what a request to this host may use, given the operator's
    `quirks`. The family's quirks are those for the host's dialect.
    """
    rule = _rule(plain_name(model))
    family = _unknown(host) if rule is None else rule.on(host)
    if family.reasons == "never":
        silent = {**family.quirks, **_SILENT.get(host.dialect, {})}
        return msgspec.structs.replace(family, quirks=silent)
    if host.gateway and host.dialect in {"openai-chat", "openai-responses"}:
        family = _through_gateway(family, host)
    efforts, budget = effort_mapping(
        host.dialect, {**host.quirks, **family.quirks, **quirks}, family
    )
    return msgspec.structs.replace(family, efforts=efforts, budget=budget)


def _rule(plain: str) -> FamilyRule | None:
    """Return the rule for a plain name; built-in rules come before those of other packages."""
    found = next((rule for rule in RULES if rule.matches(plain)), None)
    if found is None and (names := entry_points.installed(entry_points.FAMILIES)):
        installed = (rule for name in names for rule in _loaded(names[name]))
        found = next((rule for rule in installed if rule.matches(plain)), None)
    return found


def load_families(found: EntryPoint) -> tuple[FamilyRule, ...]:
    """Import the families of a package. Raises `ConfigurationError` if they are not usable."""
    try:
        rules = msgspec.convert(entry_points.load(found), tuple[FamilyRule, ...])
        for rule in rules:
            re.compile(rule.pattern)
    except (msgspec.ValidationError, re.error) as error:
        raise entry_points.broken(found, f"is not a sequence of FamilyRule: {error}") from error
    return rules


@lru_cache(maxsize=64)
def _loaded(found: EntryPoint) -> tuple[FamilyRule, ...]:
    """Load the families of a package once; a broken package is logged and skipped."""
    try:
        return load_families(found)
    except ConfigurationError as error:
        _log.warning("%s", error.message)
        return ()


def _unknown(host: Host) -> Family:
    efforts = UNKNOWN.efforts if host.efforts is None else host.efforts
    return msgspec.structs.replace(UNKNOWN, efforts=efforts)


def _through_gateway(family: Family, host: Host) -> Family:
    """Adapt a family to a gateway that translates the levels itself."""
    if not family.efforts and family.name != UNKNOWN.name:
        return msgspec.structs.replace(family, quirks={})
    skipped = {"none"} if family.reasons == "always" else set[str]()
    efforts = tuple(level for level in host.gateway if level not in skipped)
    return msgspec.structs.replace(family, efforts=efforts, budget=_BUDGET, quirks={})
