"""Generates the OpenAPI 3.2 document from the routing table."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, cast

import msgspec

from thinkaloud.server.api_docs.json_schema import (
    FRAMES,
    Schema,
    event_schema,
    log_schema,
    schemas_of,
)
from thinkaloud.server.http.operation import EVENT_STREAM, NDJSON, Answer, Operation
from thinkaloud.server.http.problems import MEDIA_TYPE, Problem
from thinkaloud.server.schema.requests import NoQuery
from thinkaloud.server.wires.chat.frames import Frame
from thinkaloud.server.wires.log.lines import LOG_LINES, LogLine

_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_EVERY_REQUEST: Final = (400, 401, 403, 421, 429, 500, 503)
_WITH_BODY: Final = (400, 408, 413, 415, 422)
_MEANINGS: Final[Mapping[int, str]] = {
    400: "The body doesn't match its type, or the request is malformed.",
    401: "The request has no valid credential.",
    403: "The credential doesn't permit this (`field` says what it restricts), or the request is"
    " from a web page of another site.",
    404: "The resource doesn't exist, or belongs to someone else.",
    408: "The body took too long to arrive.",
    409: "The state of the resource doesn't allow this.",
    413: "The body is too large.",
    415: "The body has an unsupported media type.",
    421: "The server doesn't know the name in Host.",
    422: "A value is invalid; `field` names it.",
    429: "Too many requests, to the server or the provider.",
    500: "Internal server error.",
    502: "The provider failed; `partial` is the answer so far.",
    503: "The server, its model or the provider is unavailable.",
    504: "The provider or the run timed out.",
}
_HEADER_SCHEMAS: Final[Mapping[str, Schema]] = {
    "Last-Event-ID": {"type": "string", "pattern": "^[0-9]{0,18}$"},
    "Idempotency-Key": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}
_PATH_SCHEMA: Final[Schema] = {"type": "string", "pattern": "^[A-Za-z0-9_:-]{1,64}$"}


def openapi_document(operations: Sequence[Operation], version: str) -> Schema:
    """Return the document for these operations."""
    book = _DocumentBuilder(operations)
    paths: dict[str, dict[str, Schema]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = book.describe(operation)
    return {
        "openapi": "3.2.0",
        "info": {
            "title": "thinkaloud",
            "version": version,
            "summary": "An AI agent server that streams a model's reasoning as it happens.",
            "description": (
                "Errors are problem documents (RFC 9457) with a `code`. Unknown fields of a"
                " body are ignored; of a duplicate field, the last counts. For the WebSocket,"
                " see /api/asyncapi.json."
            ),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "paths": paths,
        "components": {"schemas": book.components},
    }


class _DocumentBuilder:
    """Collects the schemas of all operations and describes each operation."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        kinds: dict[str, object] = {"problem": Problem}
        queries: dict[str, object] = {}
        for operation in operations:
            if operation.body is not None:
                kinds[f"{operation.name} body"] = operation.body
            for status, answer in operation.answers.items():
                if answer.kind is not None and answer.kind is not LogLine:
                    kinds[f"{operation.name} {status}"] = answer.kind
            if operation.query is not NoQuery:
                queries[operation.name] = operation.query
        bodies = [each.body for each in operations if isinstance(each.body, type)]
        found, self.components = schemas_of([*kinds.values(), *FRAMES, *LOG_LINES], bodies)
        self._schemas = dict(zip(kinds, found, strict=False))
        self._queries = {name: _properties(query) for name, query in queries.items()}
        self._events = event_schema(self.components)
        self._log_lines = log_schema(self.components)

    def describe(self, operation: Operation) -> Schema:
        """Return the description of one operation."""
        described: Schema = {
            "operationId": operation.name,
            "summary": operation.summary,
            "tags": [operation.tag],
            "x-requires": operation.requires,
            "parameters": self._parameters(operation),
            "responses": self._responses(operation),
        }
        if operation.description:
            described["description"] = operation.description
        if operation.body is not None:
            schema = self._schemas[f"{operation.name} body"]
            content = {operation.body_type: {"schema": schema}}
            described["requestBody"] = {"required": True, "content": content}
        return described

    def _parameters(self, operation: Operation) -> list[Schema]:
        found: list[Schema] = [
            {"name": name, "in": "path", "required": True, "schema": _PATH_SCHEMA}
            for name in _PARAMETER.findall(operation.path)
        ]
        found.extend(
            {"name": name, "in": "query", "required": False, "schema": schema}
            for name, schema in self._queries.get(operation.name, {}).items()
        )
        found.extend(
            {
                "name": name,
                "in": "header",
                "required": False,
                "description": meaning,
                "schema": _HEADER_SCHEMAS[name],
            }
            for name, meaning in operation.headers.items()
        )
        return found

    def _responses(self, operation: Operation) -> Schema:
        statuses = {*_EVERY_REQUEST, *operation.problems}
        if operation.body is not None:
            statuses.update(_WITH_BODY)
        responses: Schema = {
            str(status): self._answer(operation, status, answer)
            for status, answer in operation.answers.items()
        }
        for status in sorted(statuses - set(operation.answers)):
            responses[str(status)] = {
                "description": _MEANINGS[status],
                "headers": _request_id_header(),
                "content": {MEDIA_TYPE: {"schema": self._schemas["problem"]}},
            }
        return responses

    def _answer(self, operation: Operation, status: int, answer: Answer) -> Schema:
        described: Schema = {
            "description": answer.description,
            "headers": {
                **_request_id_header(),
                **{
                    name: {"description": meaning, "schema": {"type": "string"}}
                    for name, meaning in answer.headers.items()
                },
            },
        }
        content: dict[str, Schema] = {}
        if answer.media_type == EVENT_STREAM:
            content[EVENT_STREAM] = {"itemSchema": self._item(operation, status, answer)}
        elif answer.media_type == NDJSON:
            content[NDJSON] = {"itemSchema": self._log_lines}
        elif answer.media_type is not None and answer.kind is not None:
            content[answer.media_type] = {"schema": self._schemas[f"{operation.name} {status}"]}
        if answer.also_stream:
            item = _in_data(self._log_lines) if answer.media_type == NDJSON else self._events
            content[EVENT_STREAM] = {"itemSchema": item}
        if answer.also_text is not None:
            content[answer.also_text] = {"schema": {"type": "string"}}
        content |= {media_type: {} for media_type in answer.files}
        if content:
            described["content"] = content
        return described

    def _item(self, operation: Operation, status: int, answer: Answer) -> Schema:
        if answer.kind is Frame:
            return self._events
        if answer.kind is None:  # Another protocol's stream, which that protocol documents.
            return {"type": "object"}
        return _in_data(self._schemas[f"{operation.name} {status}"])


def _in_data(schema: Schema) -> Schema:
    """Return the schema of a Server-Sent Event whose `data` is JSON of this schema."""
    return {
        "type": "object",
        "properties": {
            "id": {"type": "string", "pattern": "^[0-9]+$"},
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": schema,
            },
        },
        "required": ["data"],
    }


def _properties(query: object) -> dict[str, Schema]:
    _, components = schemas_of([query])
    (schema,) = components.values()
    return cast("dict[str, Schema]", schema["properties"])


def _request_id_header() -> Schema:
    return {
        "X-Request-ID": {
            "description": "The request's id in the server's log.",
            "schema": {"type": "string"},
        }
    }


def encoded(document: Schema) -> bytes:
    """Return a document as JSON text."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1)
