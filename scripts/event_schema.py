"""The contract for other languages: JSON Schema of the events and views, and TypeScript types from it.

The schema says what is written, not what may be left out on reading: a member is required
wherever our encoder always writes it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

import msgspec
from msgspec import inspect

from thinkaloud.core.reply import Reply
from thinkaloud.events.event import LoggedEvent
from thinkaloud.events.view import ConversationView

Schema = Mapping[str, Any]

ROOTS: Final = (LoggedEvent, ConversationView, Reply)
_INTRODUCTION: Final = (
    "// Generated from schema/events.schema.json by `make generate`. Do not edit.\n"
)
_NAMED: Final = """
export type Event = LoggedEvent["event"];
export type Run = ConversationView["runs"][number];
export type Block = RunView["blocks"][number];
"""
_PLAIN: Final = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}


def json_schema() -> str:
    """Return the text of schema/events.schema.json."""
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "thinkaloud events",
        "description": "One line of a log (LoggedEvent), its fold (ConversationView), a reply (Reply).",
        "anyOf": [{"$ref": f"#/$defs/{root.__name__}"} for root in ROOTS],
        "$defs": _definitions(),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def typescript() -> str:
    """Return the text of webui/src/events/types.gen.ts."""
    definitions = _definitions()
    parts = [_declaration(name, definitions[name]) for name in sorted(definitions)]
    return _INTRODUCTION + "".join(parts) + _NAMED


def _definitions() -> dict[str, Schema]:
    _, components = msgspec.json.schema_components(
        ROOTS, ref_template="#/$defs/{name}", schema_hook=_anything
    )
    written = {cls.__name__: _written(cls) for cls in _structs(inspect.multi_type_info(ROOTS))}
    for name, members in written.items():
        required = [key for key in components[name]["properties"] if key in members]
        components[name] = {**components[name], "required": required}
    return dict(components)


def _anything(kind: type) -> dict[str, Any]:
    """Return the schema of a JSON value of any shape. Raises `NotImplementedError` for all else."""
    if kind is object or kind is msgspec.Raw:
        return {"description": "Any JSON value."}
    raise NotImplementedError


def _written(cls: type[msgspec.Struct]) -> set[str]:
    """Return the members that the encoder always writes."""
    config = cls.__struct_config__
    always = {config.tag_field} if config.tag_field else set[str]()
    for field in msgspec.structs.fields(cls):
        omitted = config.omit_defaults and not field.required
        if not omitted and field.default is not msgspec.UNSET:
            always.add(field.encode_name)
    return always


def _structs(found: object, seen: set[type] | None = None) -> Iterator[type[msgspec.Struct]]:
    seen = set() if seen is None else seen
    match found:
        case inspect.StructType(cls=cls, fields=fields):
            if cls in seen:
                return
            seen.add(cls)
            yield cls
            for field in fields:
                yield from _structs(field.type, seen)
        case inspect.UnionType(types=types) | inspect.TupleType(item_types=types):
            yield from _structs(types, seen)
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            yield from _structs(item, seen)
        case tuple() | list():
            for each in cast("Sequence[object]", found):
                yield from _structs(each, seen)
        case _:
            return


def _declaration(name: str, schema: Schema) -> str:
    required = set(schema.get("required", ()))
    members = "".join(
        f"  readonly {key}{'' if key in required else '?'}: {_type(value)};\n"
        for key, value in schema["properties"].items()
    )
    words = str(schema.get("description", "")).split("\n\n")[0].split()
    comment = f"/** {' '.join(words)} */\n" if words else ""
    return f"\n{comment}export interface {name} {{\n{members}}}\n"


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(_type(each) for each in schema["anyOf"])
    return _shape(schema)


def _shape(schema: Schema) -> str:
    kind = schema.get("type")
    if kind == "array":
        item = _type(schema.get("items", {}))
        return f"readonly ({item})[]" if " " in item else f"readonly {item}[]"
    if kind == "object" and schema.get("additionalProperties"):
        return f"{{ readonly [key: string]: {_type(schema['additionalProperties'])} }}"
    if kind == "object":
        return "{ readonly [key: string]: unknown }"
    return _PLAIN.get(str(kind), "null" if kind == "null" else "unknown")
