"""Helpers to build the rows of the table of open-weight families."""

from typing import Final

from thinkaloud.events.prompt import EffortLevel
from thinkaloud.providers.families.rule import FamilyRule, HostOverride
from thinkaloud.providers.target import Family

Levels = tuple[EffortLevel, ...]
SWITCH: Final[Levels] = ("none", "high")


def template(name: str) -> HostOverride:
    """Return an on/off switch of a chat template, as forwarded by vLLM, SGLang and llama.cpp."""
    effort = {
        "level_field": None,
        "on": {"chat_template_kwargs": {name: True}},
        "off": {"chat_template_kwargs": {name: False}},
    }
    return HostOverride("openai-chat", templates=True, efforts=SWITCH, quirks={"effort": effort})


def reasoner(  # noqa: PLR0913 - a row of the table has as many columns
    pattern: str,
    name: str,
    window: int | None,
    *on: HostOverride,
    efforts: Levels = (),
    images: bool = False,
    messages: dict[str, object] | None = None,
    preopened: bool = False,
) -> FamilyRule:
    """Return a family that reasons; this can only be turned off if `efforts` contains `none`."""
    reasons = "optional" if "none" in efforts else "always"
    family = Family(
        name,
        reasons=reasons,
        shows="text",
        efforts=efforts,
        images=images,
        max_tokens=window,
        preopened=preopened,
    )
    return FamilyRule(pattern, family, on, messages or {})


def plain(
    pattern: str, name: str, window: int | None = None, *, images: bool = False
) -> FamilyRule:
    """Return a family that never reasons."""
    return FamilyRule(pattern, Family(name, images=images, max_tokens=window))
