"""JSON Schemas of the types that the server decodes and encodes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from thinkaloud.server.http.parsing import optional_members
from thinkaloud.server.wires.chat.frames import Frame
from thinkaloud.server.wires.log.lines import LOG_LINES, WITHHELD

Schema = dict[str, object]

REFERENCE: Final = "#/components/schemas/{name}"
FRAMES: Final[Sequence[type[msgspec.Struct]]] = Frame.__args__
"""Every frame of the chat stream."""


def schemas_of(
    kinds: Iterable[Any], taken: Iterable[type] = ()
) -> tuple[list[Schema], dict[str, Schema]]:
    """Return the schema of each type, and the named schemas that they reference.

    In types `taken` from clients, null is allowed for every optional field.
    """
    found, components = msgspec.json.schema_components(
        kinds, schema_hook=_any_value, ref_template=REFERENCE
    )
    for kind in taken:
        properties = components.get(kind.__name__, {}).get("properties", {})
        for name in optional_members(kind) & properties.keys():
            properties[name] = _nullable(properties[name])
    return cast("list[Schema]", list(found)), cast("dict[str, Schema]", components)


def event_name(frame: type[msgspec.Struct]) -> str:
    """Return the `event` of a frame."""
    return str(frame.__struct_config__.tag)


def data_schema(frame: type[msgspec.Struct], components: Mapping[str, Schema]) -> object:
    """Return the schema of a frame's `data`."""
    properties = cast("Mapping[str, object]", components[frame.__name__]["properties"])
    return properties["data"]


def event_schema(components: Mapping[str, Schema]) -> Schema:
    """Return the schema of a parsed Server-Sent Event of the chat stream."""
    return {
        "oneOf": [
            {
                "type": "object",
                "properties": {
                    "event": {"const": event_name(frame)},
                    "id": {"type": "string", "pattern": "^[0-9]+$"},
                    "data": {
                        "type": "string",
                        "contentMediaType": "application/json",
                        "contentSchema": data_schema(frame, components),
                    },
                },
                "required": ["event", "data"],
            }
            for frame in FRAMES
        ]
    }


def log_schema(components: dict[str, Schema]) -> Schema:
    """Return the schema of one line of the log wire.

    Removes the withheld fields from the schemas of the events.
    """
    for name, fields in WITHHELD.items():
        properties = cast("dict[str, Schema]", components[name]["properties"])
        for field in fields:
            properties.pop(field, None)
    for unused in ("ProviderPayload", "Origin"):
        components.pop(unused, None)
    return {"oneOf": [{"$ref": REFERENCE.format(name=kind.__name__)} for kind in LOG_LINES]}


def _nullable(schema: Mapping[str, Any]) -> dict[str, Any]:
    annotations = {key: schema[key] for key in ("default", "description") if key in schema}
    value = {key: each for key, each in schema.items() if key not in annotations}
    return {"anyOf": [value, {"type": "null"}], **annotations}


def _any_value(kind: type) -> Schema:
    if kind is object:
        return {"description": "Any JSON value."}
    raise NotImplementedError(f"{kind} has no schema")
