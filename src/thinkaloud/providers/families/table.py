"""Which family a model belongs to, and what it can do on the host that serves it."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from thinkaloud.providers.families import closed, open_weights
from thinkaloud.providers.families.effort_mapping import effort_mapping
from thinkaloud.providers.families.kind import Kind, on
from thinkaloud.providers.hosts.host import Host
from thinkaloud.providers.target import Family

KINDS: Final[tuple[Kind, ...]] = (
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
"""All families. The first whose pattern matches a plain name decides."""

UNKNOWN: Final = Family(
    "unknown",
    reasons="optional",
    shows="text",
    efforts=("none", "low", "medium", "high"),
    budget=(1024, 32_768),
    images=True,
)
"""What is assumed of a model that no family names: it may reason, and takes the common levels."""

_BUDGET: Final = (1024, 32_768)
_REGION: Final = re.compile(r"^(us|eu|apac|global|jp|au|ca|us-gov)\.(?=[a-z]+\.)")
_MAKER: Final = re.compile(r"^(?:[a-z-]+\.(?=[a-z])|zai-)")
_SILENT: Final[dict[str, dict[str, object]]] = {
    "openai-chat": {"effort": {"level_field": None}},
    "anthropic-messages": {"thinking": "none"},
    "bedrock-converse": {"reasoning": "none"},
}
"""What keeps a dialect from asking a model to reason that cannot."""


def plain_name(model: str) -> str:
    """Return a model's own name, in lower case, without folders, region and maker before it."""
    name = model.rpartition("/")[2].lower()
    return _MAKER.sub("", _REGION.sub("", name))


def family_of(host: Host, model: str, quirks: Mapping[str, object] = {}) -> Family:
    """Return the family of a model by its host's name of it, as it is on this host.

    Its `efforts` and `budget` are what a request to this host may name, where `quirks` are what
    the operator says of it. Its own quirks belong to the dialect that the host speaks.
    """
    plain = plain_name(model)
    kind = next((kind for kind in KINDS if kind.names(plain)), None)
    family = _unknown(host) if kind is None else on(kind, host)
    if family.reasons == "never":
        silent = {**family.quirks, **_SILENT.get(host.dialect, {})}
        return msgspec.structs.replace(family, quirks=silent)
    if host.gateway and host.dialect in {"openai-chat", "openai-responses"}:
        family = _through_gateway(family, host)
    efforts, budget = effort_mapping(
        host.dialect, {**host.quirks, **family.quirks, **quirks}, family
    )
    return msgspec.structs.replace(family, efforts=efforts, budget=budget)


def _unknown(host: Host) -> Family:
    efforts = UNKNOWN.efforts if host.efforts is None else host.efforts
    return msgspec.structs.replace(UNKNOWN, efforts=efforts)


def _through_gateway(family: Family, host: Host) -> Family:
    """Return a family whose switch the gateway spells."""
    if not family.efforts and family.name != UNKNOWN.name:
        return msgspec.structs.replace(family, quirks={})
    skipped = {"none"} if family.reasons == "always" else set[str]()
    efforts = tuple(level for level in host.gateway if level not in skipped)
    return msgspec.structs.replace(family, efforts=efforts, budget=_BUDGET, quirks={})
