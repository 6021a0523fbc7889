"""Create, list, get, rename, delete, read and follow conversations."""

from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from thinkaloud.core.conversations.pagination import page_of
from thinkaloud.ports.store import Conversation, ConversationCursor
from thinkaloud.runtime.run_stream import certain_fold, follow_conversation
from thinkaloud.server.api.runs import LAST_EVENT_ID
from thinkaloud.server.http.operation import (
    EVENT_STREAM,
    Answer,
    Operation,
    json_response,
    principal_of,
)
from thinkaloud.server.http.parsing import (
    last_event_id,
    read_json,
    read_query,
    refuse_form,
)
from thinkaloud.server.schema.requests import (
    ConversationChange,
    FollowQuery,
    ListQuery,
    MessagesQuery,
    NewConversation,
)
from thinkaloud.server.schema.responses import (
    ConversationList,
    ConversationState,
    Messages,
    messages_in,
    summary,
)
from thinkaloud.server.services import ServerServices, ServerState
from thinkaloud.server.streams.frames import frames_of
from thinkaloud.server.streams.sse import event_stream
from thinkaloud.server.wires.chat.encode import chat_wire
from thinkaloud.server.wires.chat.frames import Frame

CONVERSATION_PATH: Final = "/api/v1/conversations/{conversation_id}"


class ConversationRoutes:
    """`/conversations` and below."""

    def __init__(self, services: ServerServices, state: ServerState) -> None:
        self._services = services
        self._kept = services.runs.conversations
        self._state = state

    def operations(self) -> list[Operation]:
        """Return the operations of this resource."""
        return [*self._collection(), *self._item_operations(), *self._nested_operations()]

    def _collection(self) -> list[Operation]:
        return [
            Operation(
                method="GET",
                path="/api/v1/conversations",
                name="listConversations",
                summary="List conversations",
                tag="conversations",
                requires="read",
                handler=self.list,
                query=ListQuery,
                answers={200: Answer("A page of conversations.", ConversationList)},
                problems=(422,),
            ),
            Operation(
                method="POST",
                path="/api/v1/conversations",
                name="createConversation",
                summary="Create a conversation",
                tag="conversations",
                requires="chat",
                handler=self.create,
                body=NewConversation,
                answers={201: Answer("The conversation.", ConversationState)},
                problems=(404, 409, 413, 415, 422),
            ),
        ]

    def _item_operations(self) -> list[Operation]:
        state = Answer("The conversation.", ConversationState)
        return [
            Operation(
                method="GET",
                path=CONVERSATION_PATH,
                name="getConversation",
                summary="Get a conversation",
                tag="conversations",
                requires="read",
                handler=self.get,
                answers={200: state},
                problems=(404,),
            ),
            Operation(
                method="PATCH",
                path=CONVERSATION_PATH,
                name="updateConversation",
                summary="Rename a conversation",
                tag="conversations",
                requires="chat",
                handler=self.update,
                body=ConversationChange,
                answers={200: state},
                problems=(404, 413, 415, 422),
            ),
            Operation(
                method="DELETE",
                path=CONVERSATION_PATH,
                name="deleteConversation",
                summary="Delete a conversation",
                tag="conversations",
                requires="chat",
                handler=self.delete,
                answers={204: Answer("Deleted.", None, media_type=None)},
                problems=(404, 415),
            ),
        ]

    def _nested_operations(self) -> list[Operation]:
        return [
            Operation(
                method="GET",
                path=f"{CONVERSATION_PATH}/messages",
                name="listMessages",
                summary="List messages",
                tag="conversations",
                requires="read",
                handler=self.messages,
                query=MessagesQuery,
                answers={200: Answer("All messages, or the requested page.", Messages)},
                problems=(404, 422),
            ),
            Operation(
                method="GET",
                path=f"{CONVERSATION_PATH}/events",
                name="followConversation",
                summary="Follow all runs of a conversation",
                description="Without a cursor, starts with the next event; `after=0` includes all.",
                tag="conversations",
                requires="read",
                handler=self.follow,
                query=FollowQuery,
                headers=LAST_EVENT_ID,
                answers={200: Answer("The events after the cursor.", Frame, EVENT_STREAM)},
                problems=(404, 422, 503),
            ),
        ]

    async def list(self, request: Request) -> Response:
        """List conversations."""
        query = read_query(request, ListQuery)
        found = await self._kept.search(
            principal_of(request).owner,
            before=_parse_cursor(query.before),
            limit=query.limit + 1,
            words=query.search,
        )
        page = found[: query.limit]
        more = _cursor(page[-1]) if len(found) > query.limit else None
        return json_response(ConversationList(tuple(summary(each) for each in page), more))

    async def create(self, request: Request) -> Response:
        """Create an empty conversation."""
        asked = await read_json(request, NewConversation, self._services.settings)
        new = await self._kept.create(
            principal_of(request).owner,
            asked.conversation_id,
            asked.title,
            temporary=asked.temporary,
        )
        return json_response(await conversation_state(self._services, new), 201)

    async def get(self, request: Request) -> Response:
        """Get a conversation."""
        found = await requested_conversation(self._services, request)
        return json_response(await conversation_state(self._services, found))

    async def update(self, request: Request) -> Response:
        """Rename a conversation."""
        found = await requested_conversation(self._services, request)
        change = await read_json(request, ConversationChange, self._services.settings)
        changed = await self._kept.rename(found.owner, found.conversation_id, change.title)
        return json_response(await conversation_state(self._services, changed))

    async def delete(self, request: Request) -> Response:
        """Stop the active runs of a conversation and delete it."""
        refuse_form(request)
        conversation_id: str = request.path_params["conversation_id"]
        await self._kept.delete(principal_of(request).owner, conversation_id)
        return Response(status_code=204)

    async def messages(self, request: Request) -> Response:
        """List the messages of a conversation."""
        query = read_query(request, MessagesQuery)
        found = await requested_conversation(self._services, request)
        principal = principal_of(request)
        reader = self._services.reader(principal)
        runs = self._services.runs
        fold = await certain_fold(runs, found.owner, found.conversation_id, reader)
        shows = self._services.sends_reasoning(query.include_reasoning, principal)
        limit = query.limit if isinstance(query.limit, int) else None
        page = page_of(fold, limit, query.before)
        more = page.next_before if limit or query.before else msgspec.UNSET
        return json_response(messages_in(page.view, fold.seq, reasoning=shows, next_before=more))

    async def follow(self, request: Request) -> Response:
        """Follow a conversation until the client disconnects."""
        services = self._services
        query = read_query(request, FollowQuery)
        after = last_event_id(request, query.after if isinstance(query.after, int) else None)
        conversation_id: str = request.path_params["conversation_id"]
        principal = principal_of(request)
        shows = services.sends_reasoning(query.include_reasoning, principal)
        wire = chat_wire("sse", reasoning=shows)
        following = follow_conversation(
            services.runs,
            principal.owner,
            conversation_id,
            after,
            policy=services.policy(principal),
        )
        return await event_stream(frames_of(following, wire), services.settings, self._state)


async def requested_conversation(services: ServerServices, request: Request) -> Conversation:
    """Return the conversation that the path names. Raises `NotFound`."""
    conversation_id: str = request.path_params["conversation_id"]
    return await services.runs.conversations.get(principal_of(request).owner, conversation_id)


async def conversation_state(services: ServerServices, found: Conversation) -> ConversationState:
    """Return a conversation with its active runs."""
    runs = services.runs
    async with runs.hub.open(found.owner, found.conversation_id) as log:
        seq = log.seq
    return ConversationState(
        conversation_id=found.conversation_id,
        title=found.title,
        created_at_ms=found.created_at_ms,
        updated_at_ms=found.updated_at_ms,
        seq=seq,
        active_runs=tuple(await runs.open_runs.in_conversation(found.owner, found.conversation_id)),
        temporary=found.temporary,
    )


def _cursor(last: Conversation) -> str:
    return f"{last.updated_at_ms}:{last.conversation_id}"


def _parse_cursor(cursor: str) -> ConversationCursor | None:
    at_ms, _, conversation_id = cursor.partition(":")
    return (int(at_ms), conversation_id) if at_ms else None
