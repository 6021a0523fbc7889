"""Renders the API documents as HTML pages: one style sheet, no scripts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Final, cast

import msgspec

from thinkaloud.server.api_docs.json_schema import Schema

PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
"""The Content-Security-Policy of the pages."""

STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem 1.5rem 6rem; }
h2 { border-top: 1px solid var(--line); margin-top: 3rem; padding-top: 1rem; }
h3 { margin: 2rem 0 .25rem; }
code, pre { font: 14px/1.45 ui-monospace, monospace; }
pre { background: var(--soft); border-radius: 6px; overflow-x: auto; padding: .75rem 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1rem; width: 100%; }
td, th { border-bottom: 1px solid var(--line); padding: .3rem .6rem .3rem 0; text-align: left; vertical-align: top; }
.method { border-radius: 4px; background: var(--soft); padding: .1rem .4rem; }
nav a { margin-right: 1rem; }
"""
"""The pages' style sheet."""

_CODE: Final = re.compile(r"`([^`]+)`")


def openapi_page(document: Schema, base_path: str = "") -> str:
    """Return the HTTP API as a page."""
    other = f'<a href="{base_path}/api/docs/stream">WebSocket</a>'
    parts = [_intro(document, other, f"{base_path}/api/openapi.json")]
    for path, methods in _mapping(document["paths"]).items():
        for method, operation in _mapping(methods).items():
            parts.extend(_operation(method, path, _mapping(operation)))
    parts.extend(_schemas(document))
    return _page("HTTP API", parts, base_path)


def asyncapi_page(document: Schema, base_path: str = "") -> str:
    """Return the WebSocket as a page."""
    other = f'<a href="{base_path}/api/docs">HTTP API</a>'
    parts = [_intro(document, other, f"{base_path}/api/asyncapi.json")]
    for channel in map(_mapping, _mapping(document["channels"]).values()):
        parts.append(f"<h2><code>{_text(channel['address'])}</code></h2>")
        parts.append(f"<p>{_prose(channel['description'])}</p>")
    messages = _mapping(_mapping(document["components"])["messages"])
    for operation in map(_mapping, _mapping(document["operations"]).values()):
        parts.append(f"<h2>{_text(operation['summary'])}</h2>")
        rows = [
            _mapping(messages[str(_mapping(each)["$ref"]).rpartition("/")[2]])
            for each in cast("Sequence[object]", operation["messages"])
        ]
        parts.append(
            _table(
                ("message", "meaning", "payload"),
                [
                    (
                        f"<code>{_text(row['name'])}</code>",
                        _prose(row["summary"]),
                        _kind(_mapping(row["payload"])),
                    )
                    for row in rows
                ],
            )
        )
    parts.extend(_schemas(document))
    return _page("WebSocket", parts, base_path)


def _operation(method: str, path: str, operation: Mapping[str, object]) -> Iterator[str]:
    name = _text(operation["operationId"])
    yield f'<h2 id="{name}">{_text(operation["summary"])}</h2>'
    yield f'<p><code class="method">{_text(method.upper())}</code> <code>{_text(path)}</code></p>'
    if "description" in operation:
        yield f"<p>{_prose(operation['description'])}</p>"
    parameters = [_mapping(each) for each in cast("Sequence[object]", operation["parameters"])]
    if parameters:
        yield _table(
            ("parameter", "in", "type", "meaning"),
            [_parameter_row(parameter) for parameter in parameters],
        )
    if "requestBody" in operation:
        yield f"<p>Body: {_content(_mapping(operation['requestBody']))}</p>"
    answers = _mapping(operation["responses"]).items()
    yield _table(
        ("status", "meaning", "body"),
        [
            (_text(status), _prose(_mapping(answer)["description"]), _content(_mapping(answer)))
            for status, answer in answers
        ],
    )


def _parameter_row(parameter: Mapping[str, object]) -> tuple[str, ...]:
    schema = _mapping(parameter["schema"])
    meaning = parameter.get("description") or schema.get("description") or ""
    return (
        f"<code>{_text(parameter['name'])}</code>",
        _text(parameter["in"]),
        _kind(schema),
        _prose(meaning),
    )


def _content(holder: Mapping[str, object]) -> str:
    found: list[str] = []
    for media_type, media in _mapping(holder.get("content", {})).items():
        schema = _mapping(media).get("schema")
        kind = _kind(_mapping(schema)) if schema is not None else "the frames' <code>data</code>"
        found.append(f"<code>{_text(media_type)}</code> {kind}")
    return "<br>".join(found)


def _schemas(document: Schema) -> Iterator[str]:
    yield "<h2>Types</h2>"
    for name, value in _mapping(_mapping(document["components"])["schemas"]).items():
        schema = _mapping(value)
        yield f'<h3 id="type-{_text(name)}">{_text(name)}</h3>'
        yield f"<p>{_prose(schema.get('description', ''))}</p>"
        properties = _mapping(schema.get("properties", {}))
        required = set(cast("Sequence[str]", schema.get("required", ())))
        if properties:
            yield _table(
                ("member", "type", "meaning"),
                [
                    (
                        f"<code>{_text(member)}</code>{'' if member in required else ' (optional)'}",
                        _kind(_mapping(of)),
                        _prose(_mapping(of).get("description", "")),
                    )
                    for member, of in properties.items()
                ],
            )
        else:
            yield f"<pre>{_json(schema)}</pre>"


def _kind(schema: Mapping[str, object]) -> str:
    if "$ref" in schema:
        name = _text(str(schema["$ref"]).rpartition("/")[2])
        return f'<a href="#type-{name}">{name}</a>'
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " or ".join(
                _kind(_mapping(each)) for each in cast("Sequence[object]", schema[word])
            )
    if "enum" in schema:
        values = cast("Sequence[object]", schema["enum"])
        return " ".join(f"<code>{_json(value)}</code>" for value in values)
    if schema.get("type") == "array" and "items" in schema and schema["items"] is not False:
        return f"list of {_kind(_mapping(schema['items']))}"
    return _text(schema.get("type", "anything"))


def _intro(document: Schema, other: str, source: str) -> str:
    info = _mapping(document["info"])
    return (
        f"<h1>{_text(info['title'])} {_text(info['version'])}</h1>"
        f"<p>{_prose(info.get('description', ''))}</p>"
        f'<nav>{other}<a href="{source}">{source}</a></nav>'
    )


def _page(title: str, parts: Sequence[str], base_path: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} – thinkaloud</title>"
        f'<link rel="stylesheet" href="{base_path}/api/docs.css"></head><body>'
        f"{''.join(parts)}</body></html>"
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{each}</th>" for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value)


def _text(value: object) -> str:
    return escape(str(value))


def _prose(value: object) -> str:
    return _CODE.sub(r"<code>\1</code>", _text(value))


def _json(value: object) -> str:
    return escape(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
