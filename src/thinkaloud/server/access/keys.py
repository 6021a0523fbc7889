"""Manage API keys, and read the audit log. For admins."""

from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from thinkaloud.auth.administration import Issued
from thinkaloud.auth.audit import Actor
from thinkaloud.auth.key_fields import KeyChange, KeyFields, grace_ms
from thinkaloud.ports.keys import ApiKey
from thinkaloud.server.access.actor import actor_of
from thinkaloud.server.access.requests import AuditQuery, KeyPatch
from thinkaloud.server.access.responses import (
    AuditPage,
    ChangedKeyView,
    IssuedKeyView,
    KeyList,
    audit_page,
    key_view,
)
from thinkaloud.server.http.operation import (
    Answer,
    Operation,
    json_response,
    principal_of,
)
from thinkaloud.server.http.parsing import read_json, read_query, refuse_form
from thinkaloud.server.services import ServerServices

_TAG: Final = "access"
_KEYS: Final = "/api/v1/keys"
_KEY: Final = f"{_KEYS}/{{key_id}}"


class KeyRoutes:
    """`/keys`, `/keys/{key_id}` and `/audit`."""

    def __init__(self, services: ServerServices) -> None:
        self._services = services
        self._access = services.access
        self._keys = services.access.administration

    def operations(self) -> list[Operation]:
        """Return the operations of these resources."""
        return [*self._of_all(), *self._of_one(), self._of_audit()]

    def _of_all(self) -> list[Operation]:
        return [
            Operation(
                method="GET",
                path=_KEYS,
                name="listKeys",
                summary="List API keys",
                tag=_TAG,
                requires="admin",
                handler=self.list,
                answers={200: Answer("The keys.", KeyList)},
            ),
            Operation(
                method="POST",
                path=_KEYS,
                name="createKey",
                summary="Create an API key",
                tag=_TAG,
                requires="admin",
                handler=self.create,
                body=KeyFields,
                answers={201: Answer("The key, with its value.", IssuedKeyView)},
                problems=(409, 413, 415, 422),
            ),
        ]

    def _of_one(self) -> list[Operation]:
        return [
            Operation(
                method="PATCH",
                path=_KEY,
                name="changeKey",
                summary="Change or rotate an API key",
                description="A lowered limit applies from the next run.",
                tag=_TAG,
                requires="admin",
                handler=self.change,
                body=KeyPatch,
                answers={200: Answer("The key as it is now.", ChangedKeyView)},
                problems=(404, 409, 413, 415, 422),
            ),
            Operation(
                method="DELETE",
                path=_KEY,
                name="revokeKey",
                summary="Revoke an API key",
                description=(
                    "Closes its sockets and event streams, and stops its runs. The last admin key"
                    " can only be revoked in the terminal."
                ),
                tag=_TAG,
                requires="admin",
                handler=self.revoke,
                answers={204: Answer("Revoked.", media_type=None)},
                problems=(404, 409, 415),
            ),
        ]

    def _of_audit(self) -> Operation:
        return Operation(
            method="GET",
            path="/api/v1/audit",
            name="audit",
            summary="Read the audit log",
            tag=_TAG,
            requires="admin",
            handler=self.audit,
            query=AuditQuery,
            answers={200: Answer("A page of the audit log.", AuditPage)},
            problems=(422,),
        )

    async def list(self, request: Request) -> Response:
        """List the keys."""
        now = self._services.clock.unix_ms()
        return json_response(KeyList(tuple(key_view(k, now) for k in await self._keys.keys())))

    async def create(self, request: Request) -> Response:
        """Create a key."""
        fields = await read_json(request, KeyFields, self._services.settings)
        issued = await self._keys.create(fields, self._actor(request))
        view = self._fields(issued.key)
        return json_response(IssuedKeyView(**view, key=issued.value.text()), 201)

    async def change(self, request: Request) -> Response:
        """Change or rotate a key."""
        patch = await read_json(request, KeyPatch, self._services.settings)
        key_id: str = request.path_params["key_id"]
        change = KeyChange(**{name: getattr(patch, name) for name in KeyChange.__struct_fields__})
        grace = grace_ms(patch.grace)
        actor = self._actor(request)
        key, value = await self._keys.edit(key_id, change, actor), msgspec.UNSET
        if patch.rotate:
            issued: Issued = await self._keys.rotate(key_id, grace, actor)
            key, value = issued.key, issued.value.text()
        return json_response(ChangedKeyView(**self._fields(key), key=value))

    async def revoke(self, request: Request) -> Response:
        """Revoke a key."""
        refuse_form(request)
        await self._keys.revoke(request.path_params["key_id"], self._actor(request))
        return Response(status_code=204)

    async def audit(self, request: Request) -> Response:
        """Read a page of the audit log."""
        query = read_query(request, AuditQuery)
        entries = await self._access.store.audit(before=query.before, limit=query.limit + 1)
        return json_response(audit_page(entries, query.limit))

    def _actor(self, request: Request) -> Actor:
        return actor_of(self._access, request.scope, principal_of(request))

    def _fields(self, key: ApiKey) -> dict[str, Any]:
        return msgspec.structs.asdict(key_view(key, self._services.clock.unix_ms()))
