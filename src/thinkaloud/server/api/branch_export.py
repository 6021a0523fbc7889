"""Branch and export conversations."""

from starlette.requests import Request
from starlette.responses import Response

from thinkaloud.core.conversations.export import Export, file_name
from thinkaloud.core.conversations.filenames import content_disposition
from thinkaloud.server.api.chat import WITHHELD
from thinkaloud.server.api.conversations import (
    CONVERSATION_PATH,
    conversation_state,
    requested_conversation,
)
from thinkaloud.server.http.operation import (
    JSON,
    MARKDOWN,
    Answer,
    Operation,
    json_response,
    principal_of,
)
from thinkaloud.server.http.parsing import read_json, read_query
from thinkaloud.server.schema.requests import BranchPoint, ExportQuery
from thinkaloud.server.schema.responses import ConversationState
from thinkaloud.server.services import ServerServices


class BranchExportRoutes:
    """`/conversations/{conversation_id}/branch` and `/export`."""

    def __init__(self, services: ServerServices) -> None:
        self._services = services
        self._kept = services.runs.conversations

    def operations(self) -> list[Operation]:
        """Return the operations of this resource."""
        return [
            Operation(
                method="POST",
                path=f"{CONVERSATION_PATH}/branch",
                name="branchConversation",
                summary="Branch a conversation",
                tag="conversations",
                requires="chat",
                handler=self.branch,
                body=BranchPoint,
                answers={201: Answer("The new conversation.", ConversationState)},
                problems=(404, 409, 413, 415, 422),
            ),
            Operation(
                method="GET",
                path=f"{CONVERSATION_PATH}/export",
                name="exportConversation",
                summary="Export a conversation",
                tag="conversations",
                requires="read",
                handler=self.export,
                query=ExportQuery,
                answers={200: Answer("The file.", Export, also_text=MARKDOWN)},
                problems=(404, 422),
            ),
        ]

    async def branch(self, request: Request) -> Response:
        """Branch a conversation at a run."""
        found = await requested_conversation(self._services, request)
        point = await read_json(request, BranchPoint, self._services.settings)
        made = await self._kept.branch(found.owner, found.conversation_id, point.run_id)
        return json_response(await conversation_state(self._services, made), 201)

    async def export(self, request: Request) -> Response:
        """Export a conversation."""
        query = read_query(request, ExportQuery)
        found = await requested_conversation(self._services, request)
        principal = principal_of(request)
        shows = self._services.sends_reasoning(query.include_reasoning, principal)
        body = await self._kept.export(
            found.owner,
            found.conversation_id,
            query.format,
            include_reasoning=shows,
            reader=self._services.reader(principal),
            version=query.version or None,
        )
        name = file_name(found.title, found.conversation_id, query.format)
        headers = {"Content-Disposition": content_disposition(name, unnamed="conversation")}
        if query.include_reasoning and not shows:
            headers[WITHHELD] = "policy"
        return Response(body, 200, headers, JSON if query.format == "json" else MARKDOWN)
