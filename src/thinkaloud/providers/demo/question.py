"""How the demo model interprets a question: which tools to call. Pure."""

import re
from typing import Final

import msgspec

from thinkaloud.providers.demo import arithmetic

_QUOTED: Final = r"[\"'“”‘’`«]([^\"'“”‘’`»\n]{1,200})[\"'“”‘’`»]"
_FILES: Final = (
    r"(?:my |the |our |all |your |these )*(?:files?|notes?|workspace|documents?|folders?)"
)
_MATERIAL: Final = re.compile(r"<(context|file)\b[^>\n]*>\n.*?\n</\1>\n\n", re.DOTALL)

_TIME: Final = re.compile(
    r"\b(?:what(?:['’]?s| is| was)? (?:the |today['’]?s )?(?:current )?(?:local )?(?:time|date)\b"
    r"|(?:what|which) (?:day|year|month|weekday)\b|current (?:time|date)|time is it|what time"
    r"|today['’]?s date|date today|tell me the (?:time|date)|time (?:now )?in\b)",
    re.IGNORECASE,
)
_PLACE: Final = re.compile(
    r"\b(?i:in|at) (?i:the )?(?!the\b)([A-Za-zÀ-ÿ_/+-]+(?:[ -][A-Z][A-Za-zÀ-ÿ_/-]*)?)"
)
_SEARCH: Final = (
    re.compile(
        rf"\b(?:search|look|grep|find)\b(?: for| where)?\s+(?:{_QUOTED}|(.{{1,100}}?))"
        rf"\s+(?:in|inside|within|through|across) {_FILES}\b",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?:search|look|grep) (?:in |through |inside )?{_FILES} for\s+"
        rf"(?:{_QUOTED}|(.{{1,100}}?))\s*[.?!]*$",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?:which|what|do|does|where) (?:do |does |of )?{_FILES}"
        r" (?:mentions?|contains?|has|have|says?|talks? about)\s+"
        rf"(?:{_QUOTED}|(.{{1,100}}?))\s*[.?!]*$",
        re.IGNORECASE,
    ),
)
_NAME: Final = (
    r"([\w./-]*[\w-]\.[A-Za-z][A-Za-z0-9]{0,9}\b|[\w.-]+/[\w./-]+\w"
    r"|\b(?:README|LICENSE|Makefile|Dockerfile|CHANGELOG)\b)"
)
_READ: Final = re.compile(
    r"\b(?:read|open|show|print|cat|display|summari[sz]e|sum up|explain|contents? of"
    r"|what(?:['’]?s| is| does| stands?)(?: written)?)\b"
    rf".{{0,60}}?(?:(?:{_QUOTED})|{_NAME})",
    re.IGNORECASE,
)
_LIST: Final = re.compile(
    r"\b(?:list|show|which|what|see|name)\b.{0,40}?\b(?:files?|folders?|director(?:y|ies)|workspace)\b"
    r"|\bls\b",
    re.IGNORECASE,
)
_FOLDER: Final = re.compile(
    rf"\b(?:in|under|inside|of) (?:the )?(?:(?:folder|directory) (?:{_QUOTED}|([\w./-]*\w))"
    rf"|{_QUOTED}|([\w.-]+(?:/[\w.-]*)+)|([\w.-]+) (?:folder|directory))",
    re.IGNORECASE,
)

_ZONES: Final = {
    "amsterdam": "Europe/Amsterdam",
    "athens": "Europe/Athens",
    "auckland": "Pacific/Auckland",
    "bangkok": "Asia/Bangkok",
    "beijing": "Asia/Shanghai",
    "berlin": "Europe/Berlin",
    "boston": "America/New_York",
    "brazil": "America/Sao_Paulo",
    "buenos aires": "America/Argentina/Buenos_Aires",
    "cairo": "Africa/Cairo",
    "california": "America/Los_Angeles",
    "chicago": "America/Chicago",
    "china": "Asia/Shanghai",
    "delhi": "Asia/Kolkata",
    "denver": "America/Denver",
    "dubai": "Asia/Dubai",
    "france": "Europe/Paris",
    "germany": "Europe/Berlin",
    "hong kong": "Asia/Hong_Kong",
    "india": "Asia/Kolkata",
    "istanbul": "Europe/Istanbul",
    "italy": "Europe/Rome",
    "jakarta": "Asia/Jakarta",
    "japan": "Asia/Tokyo",
    "johannesburg": "Africa/Johannesburg",
    "korea": "Asia/Seoul",
    "lagos": "Africa/Lagos",
    "lisbon": "Europe/Lisbon",
    "london": "Europe/London",
    "los angeles": "America/Los_Angeles",
    "madrid": "Europe/Madrid",
    "melbourne": "Australia/Melbourne",
    "mexico": "America/Mexico_City",
    "mexico city": "America/Mexico_City",
    "moscow": "Europe/Moscow",
    "mumbai": "Asia/Kolkata",
    "nairobi": "Africa/Nairobi",
    "new delhi": "Asia/Kolkata",
    "new york": "America/New_York",
    "oslo": "Europe/Oslo",
    "paris": "Europe/Paris",
    "rome": "Europe/Rome",
    "san francisco": "America/Los_Angeles",
    "sao paulo": "America/Sao_Paulo",
    "seattle": "America/Los_Angeles",
    "seoul": "Asia/Seoul",
    "shanghai": "Asia/Shanghai",
    "singapore": "Asia/Singapore",
    "spain": "Europe/Madrid",
    "stockholm": "Europe/Stockholm",
    "sydney": "Australia/Sydney",
    "são paulo": "America/Sao_Paulo",
    "tokyo": "Asia/Tokyo",
    "toronto": "America/Toronto",
    "uk": "Europe/London",
    "vienna": "Europe/Vienna",
    "warsaw": "Europe/Warsaw",
    "zurich": "Europe/Zurich",
}
"""Time zones of places whose common names differ from the time zone database's."""

_KNOWN_PLACE: Final = re.compile(
    rf"\b(?:{'|'.join(sorted(_ZONES, key=len, reverse=True))})\b", re.IGNORECASE
)
_READ_CHARACTERS: Final = 500  # of a question; the rest is ignored


class PlannedCall(msgspec.Struct, frozen=True):
    """A tool to call for a question, and why."""

    tool: str
    arguments: dict[str, str]
    why: str


def question_of(text: str) -> str:
    """Return the user's question, without the context and files prepended to it."""
    while material := _MATERIAL.match(text):
        text = text[material.end() :]
    return text.strip()


def planned_calls(question: str) -> tuple[PlannedCall, ...]:
    """Return the tools to call for a question, in order."""
    asked = question[:_READ_CHARACTERS]
    found = [_search(asked) or _read(asked) or _listing(asked), _sum(asked), _time(asked)]
    return tuple(planned for planned in found if planned is not None)


def _sum(asked: str) -> PlannedCall | None:
    expression = arithmetic.expression_in(asked)
    if expression is None:
        return None
    why = f"This needs arithmetic: {expression}. I won't do that in my head."
    return PlannedCall("calculate", {"expression": expression}, why)


def _time(asked: str) -> PlannedCall | None:
    if not _TIME.search(asked):
        return None
    place, zone = _place(asked)
    if not zone:
        return PlannedCall("current_time", {}, "This asks for the time, and I don't have a clock.")
    why = f"This asks for the time in {place}, which I take to be the time zone {zone}."
    return PlannedCall("current_time", {"time_zone": zone}, why)


def _place(asked: str) -> tuple[str, str]:
    """Return the place mentioned and its time zone; an unknown place is used as the time zone."""
    known = _KNOWN_PLACE.search(asked)
    if known is not None:
        return known.group(), _ZONES[known.group().casefold()]
    named = _PLACE.search(asked)
    if named is None:
        return "", ""
    place = named[1].strip(" -")
    return place, place.replace(" ", "_")


def _search(asked: str) -> PlannedCall | None:
    for pattern in _SEARCH:
        match = pattern.search(asked)
        if match is not None:
            text = _first(match)
            why = f"This asks where {text!r} occurs in the files."
            return PlannedCall("search_files", {"text": text}, why)
    return None


def _read(asked: str) -> PlannedCall | None:
    match = _READ.search(asked)
    if match is None:
        return None
    name = _first(match)
    return PlannedCall("read_file", {"name": name}, f"This asks for the content of {name!r}.")


def _listing(asked: str) -> PlannedCall | None:
    if not _LIST.search(asked):
        return None
    match = _FOLDER.search(asked)
    if match is None:
        return PlannedCall("list_files", {}, "This asks which files exist.")
    folder = _first(match)
    why = f"This asks which files exist in {folder!r}."
    return PlannedCall("list_files", {"folder": folder}, why)


def _first(match: re.Match[str]) -> str:
    return next(group for group in match.groups() if group).strip()
