"""Which efforts a dialect can express: a level is only offered if it changes the request."""

from collections.abc import Mapping
from typing import Final, cast

from thinkaloud.events.prompt import EffortLevel
from thinkaloud.providers.target import Family

Levels = tuple[EffortLevel, ...]
Budget = tuple[int, int] | None
Quirks = Mapping[str, object]

_BUDGET: Final = (1024, 32_768)
_ABOVE_HIGH: Final = frozenset({"xhigh", "max"})


def effort_mapping(dialect: str, quirks: Quirks, family: Family) -> tuple[Levels, Budget]:
    """Return the family's levels that this dialect can express, and the budget if it takes one.

    `quirks` are the merged quirks of the request: the family's override the host's.
    """
    efforts, budget = family.efforts, family.budget
    match dialect:
        case "openai-chat":
            wire = cast("Quirks", quirks.get("effort", {}))
            efforts = _chat(wire, efforts)
            budget = (budget or _BUDGET) if wire.get("budget_field") and efforts else None
        case "openai-responses":
            efforts = efforts if quirks.get("effort_off", True) else _without(efforts, "none")
            budget = (budget or _BUDGET) if quirks.get("budget_field") and efforts else None
        case "anthropic-messages":
            efforts = _messages(quirks, efforts)
            budget = budget if _thinks(quirks) else None
        case "google-generate":
            efforts = _without(efforts, *_ABOVE_HIGH)
            budget = budget if quirks.get("thinking") == "budget" else None
        case "google-interactions":
            # The API cannot turn reasoning off completely.
            efforts, budget = _without(efforts, "none", *_ABOVE_HIGH), None
        case "bedrock-converse":
            efforts = _converse(quirks, efforts)
            budget = budget if _is_claude(quirks) else None
        case "cohere-chat":
            efforts = _priced(quirks, efforts)
        case "ollama-chat":
            efforts, budget = _think(quirks, efforts), None
        case _:
            pass  # a package's dialect must be able to express every level of its families
    return efforts, budget


def _chat(wire: Quirks, efforts: Levels) -> Levels:
    if wire.get("level_field", "reasoning_effort") is not None:
        return efforts
    budgets = cast("Quirks", wire.get("levels", {}))
    if budgets and wire.get("budget_field"):
        none = {"none"} if wire.get("off") else set[str]()
        return tuple(level for level in efforts if level in budgets or level in none)
    return _switch(efforts, off=bool(wire.get("off")))


def _switch(efforts: Levels, *, off: bool) -> Levels:
    """Return the two levels of an API that can only turn reasoning on and off."""
    return ("none", "high") if off and "none" in efforts and len(efforts) > 1 else ()


def _priced(quirks: Quirks, efforts: Levels) -> Levels:
    known = {"none", "high", *cast("Quirks", quirks.get("budgets", {}))}
    return tuple(level for level in efforts if level in known)


def _think(quirks: Quirks, efforts: Levels) -> Levels:
    if quirks.get("think") == "level":
        return _without(efforts, "none", "minimal", *_ABOVE_HIGH)
    return _switch(efforts, off=True)


def _thinks(quirks: Quirks) -> bool:
    return quirks.get("thinking", "budget") not in {"always", "none"}


def _messages(quirks: Quirks, efforts: Levels) -> Levels:
    if not _thinks(quirks):
        return ()
    return efforts if quirks.get("thinking", "budget") == "budget" else _without(efforts, "minimal")


def _is_claude(quirks: Quirks) -> bool:
    return quirks.get("reasoning") in {"claude-budget", "claude-adaptive"}


def _converse(quirks: Quirks, efforts: Levels) -> Levels:
    match quirks.get("reasoning", "none"):
        case "none" | "always":
            return ()
        case "claude-budget":
            return efforts
        case "claude-adaptive":
            return _without(efforts, "minimal")
        case "nova":
            return _without(efforts, "minimal", *_ABOVE_HIGH)
        case _:
            return _without(efforts, "none", "minimal", *_ABOVE_HIGH)


def _without(efforts: Levels, *left_out: str) -> Levels:
    return tuple(level for level in efforts if level not in left_out)
