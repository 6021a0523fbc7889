"""The reference page of the events: the frames of the chat stream, and the typed events of Python."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final, cast, get_args

import msgspec
from msgspec import inspect as shapes

from scripts.field_descriptions import WORDS
from scripts.field_docs import Described, cell, described, summary
from scripts.type_words import in_words
from thinkaloud.events.event import Event, LoggedEvent
from thinkaloud.events.view import ConversationView
from thinkaloud.server.wires.chat.frames import Frame
from thinkaloud.server.wires.page.frames import Frame as ChatFrame

Struct = type[msgspec.Struct]

_INTRODUCTION: Final = """\
# Events

<!-- Generated from the types' own docstrings by `make generate`. -->

A run is a sequence of events. They come in two forms:

- **frames** over HTTP: Server-Sent Events and WebSocket messages with the same names and the same data, and the frames of
  `/ws`, which have names of their own;
- **typed events** in Python: what `Agent.events()` yields, what `thinkaloud chat --json` prints, and what the event log
  stores. Frames are encoded from them. The [glossary](glossary.md#one-event-several-names) shows which is which.

For background, see [Life of a run](../explanation/life-of-a-run.md). Machine-readable schemas are
`/api/openapi.json` and `/api/asyncapi.json` on every server, and `schema/events.schema.json` in the source.

"Absent" in the tables means that the field is omitted. Times ending in `_ms` are milliseconds.

"""
_FRAMES: Final = """\
## Frames

Over Server-Sent Events a frame is `id: <seq>`, `event: <name>` and `data: <data as JSON>`. Over the WebSocket it is one
JSON message `{"event", "data", "seq", "run_id"}`. `seq` increases within a conversation. Missing numbers belong to
events that this stream doesn't include; nothing is lost.

"""
_CHAT_FRAMES: Final = """\
## Frames of `/ws`

One flat JSON object per message, for [chat pages](websocket.md#ws). Fields with their default value are omitted.

"""
_EVENTS: Final = """\
## Typed events

Frozen structs in `thinkaloud.events.event`, distinguished by class in Python and by `type` in JSON. In the log and in
`thinkaloud chat --json` each is wrapped in a `LoggedEvent`.

"""
_VALUES: Final = """\
## Values

Types used inside frames and events.

"""


def render() -> str:
    """Return the text of docs/reference/events.md."""
    frames: tuple[Struct, ...] = get_args(Frame)
    events: tuple[Struct, ...] = get_args(Event)
    chat_frames: tuple[Struct, ...] = get_args(ChatFrame)
    data = {frame: list(_data_of(frame)) for frame in frames}
    shown = [*chain(*data.values()), *chat_frames, LoggedEvent, *events]
    shared = [kind for kind in chain(*data.values()) if _is_shared(kind)]
    values = [*shared, ConversationView]
    values.extend(_inside([*shown, ConversationView], {*shown, *values}))
    parts = [
        _INTRODUCTION,
        _FRAMES,
        *(_frame(frame, kinds) for frame, kinds in data.items()),
        _CHAT_FRAMES,
        *(_fields(f"### `/ws` `{_tag(frame)}`", frame) for frame in chat_frames),
        _EVENTS,
        _fields("### LoggedEvent", LoggedEvent),
        *(_fields(f"### `{_tag(event)}`: {event.__name__}", event) for event in events),
        _VALUES,
        *(_fields(f"### {kind.__name__}", kind) for kind in values),
    ]
    return "".join(parts).rstrip("\n") + "\n"


def _frame(frame: Struct, kinds: list[Struct]) -> str:
    head = f"### `{_tag(frame)}`\n\n{summary(frame)}\n\n"
    if _is_shared(kinds[0]):
        return f"{head}`data` is a {_link(kinds[0])}.\n\n"
    parts = [f"{summary(kind)}{_phase(kind)}\n\n{_table(kind)}\n" for kind in kinds]
    return head + "".join(parts)


def _phase(kind: Struct) -> str:
    field = kind.__struct_config__.tag_field
    return f" Here `{field}` is `{_tag(kind)}`." if field else ""


def _is_shared(kind: Struct) -> bool:
    """Whether the data of a frame is also used in other responses, and therefore has its own section."""
    return not kind.__module__.endswith(".frames")


def _data_of(frame: Struct) -> Iterator[Struct]:
    (data,) = [field.kind for field in described(frame) if field.name == "data"]
    kinds = data.types if isinstance(data, shapes.UnionType) else (data,)
    for kind in kinds:
        assert isinstance(kind, shapes.StructType)
        yield kind.cls


def _fields(heading: str, kind: Struct) -> str:
    return f"{heading}\n\n{summary(kind)}{_phase_of_value(kind)}\n\n{_table(kind)}\n"


def _phase_of_value(kind: Struct) -> str:
    tagged = kind.__struct_config__.tag_field
    if tagged is None or kind in (*get_args(Event), *get_args(ChatFrame)):
        return ""
    return _phase(kind)


def _table(kind: Struct) -> str:
    omits = kind.__struct_config__.omit_defaults
    rows = "".join(_row(field, omits=omits) for field in described(kind))
    return f"| field | description | type | |\n|---|---|---|---|\n{rows}" if rows else ""


def _row(field: Described, *, omits: bool) -> str:
    text = field.text or WORDS.get(field.name, "")
    presence = ""
    if not field.required and field.default is msgspec.NODEFAULT:
        presence = "may be absent"
    elif not field.required and omits:
        default = msgspec.json.encode(field.default).decode()
        presence = f"absent where it is `{default}`"
    return f"| `{field.name}` | {cell(text)} | {cell(in_words(field.kind, _link))} | {presence} |\n"


def _link(kind: type) -> str:
    name = kind.__name__
    if kind in get_args(Event):
        return f"[{name}](#{_tag(kind).replace('.', '')}-{name.lower()})"
    return f"[{name}](#{name.lower()})"


def _tag(kind: type) -> str:
    return str(cast("Struct", kind).__struct_config__.tag)


def _inside(kinds: Iterable[Struct], seen: set[Struct]) -> Iterator[Struct]:
    """Yield the structs that the fields of these hold, and theirs, each once."""
    for kind in kinds:
        for field in described(kind):
            for found in _structs(field.kind):
                if found not in seen:
                    seen.add(found)
                    yield found
                    yield from _inside([found], seen)


def _structs(kind: shapes.Type) -> Iterator[Struct]:
    match kind:
        case shapes.StructType(cls=cls):
            yield cls
        case shapes.UnionType(types=types):
            for each in types:
                yield from _structs(each)
        case shapes.VarTupleType(item_type=item) | shapes.Metadata(type=item):
            yield from _structs(item)
        case _:
            return
