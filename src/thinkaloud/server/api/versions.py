"""List and select versions of messages."""

import asyncio
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from thinkaloud.events.fold import Fold
from thinkaloud.events.view import RunView
from thinkaloud.server.api.conversations import CONVERSATION_PATH, requested_conversation
from thinkaloud.server.http.operation import Answer, Operation, json_response, principal_of
from thinkaloud.server.http.parsing import read_json, read_query
from thinkaloud.server.schema.requests import VersionChoice, VersionsQuery
from thinkaloud.server.schema.responses import VersionList, version_list
from thinkaloud.server.services import ServerServices
from thinkaloud.stores.search_terms import phrases, words

_PATH = f"{CONVERSATION_PATH}/versions"


class VersionRoutes:
    """`/conversations/{conversation_id}/versions`."""

    def __init__(self, services: ServerServices) -> None:
        self._services = services
        self._kept = services.runs.conversations

    def operations(self) -> list[Operation]:
        """Return the operations of this resource."""
        return [
            Operation(
                method="GET",
                path=_PATH,
                name="listVersions",
                summary="List versions",
                tag="conversations",
                requires="read",
                handler=self.list,
                query=VersionsQuery,
                answers={200: Answer("The versions.", VersionList)},
                problems=(404, 422),
            ),
            Operation(
                method="POST",
                path=_PATH,
                name="selectVersion",
                summary="Select a version",
                description=(
                    "Everything that followed it is selected with it, as last selected there."
                    " All followers of the conversation get `version_selected`. Selecting a"
                    " run of the selected version changes nothing. Refused with 409 while a"
                    " run is active."
                ),
                tag="conversations",
                requires="chat",
                handler=self.select,
                body=VersionChoice,
                answers={200: Answer("The versions, as they are now.", VersionList)},
                problems=(404, 409, 413, 415, 422),
            ),
        ]

    async def list(self, request: Request) -> Response:
        """List the versions."""
        query = read_query(request, VersionsQuery)
        kept = await requested_conversation(self._services, request)
        fold = await self._services.runs.hub.fold(kept.owner, kept.conversation_id)
        wanted = phrases(query.search)
        # Search in a thread: a long conversation would block the event loop.
        found = await asyncio.to_thread(_found, fold, wanted) if wanted else None
        reader = self._services.reader(principal_of(request))
        return json_response(version_list(reader.fold(fold), found))

    async def select(self, request: Request) -> Response:
        """Select a version."""
        kept = await requested_conversation(self._services, request)
        asked = await read_json(request, VersionChoice, self._services.settings)
        fold = await self._kept.select(kept.owner, kept.conversation_id, asked.run_id)
        reader = self._services.reader(principal_of(request))
        return json_response(version_list(reader.fold(fold)))


def _found(fold: Fold, wanted: Sequence[Sequence[str]]) -> str | None:
    """Return the latest matching run, preferably on the current path."""
    path = list(fold.runs.values())
    others = [run for name, run in fold.tree.all.items() if name not in fold.runs]
    for run in (*reversed(path), *reversed(others)):
        if _matches(run.view(), wanted):
            return run.run_id
    return None


def _matches(run: RunView, wanted: Sequence[Sequence[str]]) -> bool:
    text = f" {' '.join(words(f'{run.input.text} {run.response}'))}"
    return all(f" {' '.join(row)}" in text for row in wanted)
