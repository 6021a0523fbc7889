"""Reduces JSON Schema to the OpenAPI subset of Gemini's `parameters`.

Source: https://ai.google.dev/api/caching#Schema
"""

from collections.abc import Mapping
from typing import Any, cast

_KEPT = frozenset(
    {
        "title",
        "description",
        "format",
        "nullable",
        "enum",
        "required",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "pattern",
        "default",
        "example",
        "propertyOrdering",
    }
)

_Schema = Mapping[str, Any]


def openapi(schema: Mapping[str, object]) -> dict[str, object]:
    """Return the schema with references resolved, and without anything Gemini does not support.

    A recursive reference becomes a plain object.
    """
    definitions = {
        **_object(schema.get("definitions")),
        **_object(schema.get("$defs")),
    }
    return _Reduction(definitions).reduce(cast("_Schema", schema), ())


class _Reduction:
    def __init__(self, definitions: _Schema) -> None:
        self._definitions = definitions

    def reduce(self, schema: _Schema, within: tuple[str, ...]) -> dict[str, object]:
        reference = schema.get("$ref")
        if isinstance(reference, str):
            name = reference.rpartition("/")[2]
            if name in within or name not in self._definitions:
                return {"type": "OBJECT"}
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            return self.reduce({**_object(self._definitions[name]), **beside}, (*within, name))
        reduced: dict[str, object] = {key: schema[key] for key in schema if key in _KEPT}
        self._type(schema.get("type"), reduced, within)
        if "const" in schema:
            reduced["enum"] = [schema["const"]]
        self._children(schema, reduced, within)
        return reduced

    def _type(self, kind: object, reduced: dict[str, object], within: tuple[str, ...]) -> None:
        if isinstance(kind, str):
            reduced["type"] = kind.upper()
        elif isinstance(kind, list):
            names = [str(name) for name in cast("list[object]", kind)]
            if "null" in names:
                reduced["nullable"] = True
            named = [name for name in names if name != "null"]
            if len(named) == 1:
                reduced["type"] = named[0].upper()
            elif named:
                reduced["anyOf"] = [self.reduce({"type": name}, within) for name in named]

    def _children(
        self, schema: _Schema, reduced: dict[str, object], within: tuple[str, ...]
    ) -> None:
        properties = _object(schema.get("properties"))
        if properties:
            reduced["properties"] = {
                name: self.reduce(_object(child), within) for name, child in properties.items()
            }
        if "items" in schema:
            reduced["items"] = self.reduce(_object(schema["items"]), within)
        options = schema.get("anyOf") or schema.get("oneOf")
        if isinstance(options, list):
            children = [_object(option) for option in cast("list[object]", options)]
            kept = [child for child in children if child.get("type") != "null"]
            if len(kept) < len(children):
                reduced["nullable"] = True
            if len(kept) == 1:
                reduced.update(self.reduce(kept[0], within))
            elif kept:
                reduced["anyOf"] = [self.reduce(child, within) for child in kept]


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
