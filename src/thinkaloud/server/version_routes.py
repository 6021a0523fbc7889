"""The versions of messages: list them, select one."""

from starlette.requests import Request
from starlette.responses import Response

from thinkaloud.server.operation import Answer, Operation, json_response
from thinkaloud.server.reading import decode, read_body
from thinkaloud.server.requests import VersionChoice
from thinkaloud.server.services import LOCAL_OWNER, ServerServices
from thinkaloud.server.views import VersionList, version_list

_PATH = "/api/v1/conversations/{conversation_id}/versions"


class VersionRoutes:
    """`/conversations/{conversation_id}/versions`."""

    def __init__(self, services: ServerServices) -> None:
        self._services = services
        self._kept = services.runs.conversations

    def operations(self) -> list[Operation]:
        """Return what can be asked for."""
        return [
            Operation(
                method="GET",
                path=_PATH,
                name="listVersions",
                summary="Where a conversation has several versions",
                tag="conversations",
                handler=self.list,
                answers={200: Answer("The versions.", VersionList)},
                problems=(404,),
            ),
            Operation(
                method="POST",
                path=_PATH,
                name="selectVersion",
                summary="Select another version of a message",
                description=(
                    "With it comes what followed it, as it was last selected there. All who follow"
                    " the conversation get `version_selected`. A run of the selected version:"
                    " nothing changes. While a run is going on it is refused (409)."
                ),
                tag="conversations",
                handler=self.select,
                body=VersionChoice,
                answers={200: Answer("The versions, as they are now.", VersionList)},
                problems=(404, 409, 413, 415, 422),
            ),
        ]

    async def list(self, request: Request) -> Response:
        """List the versions."""
        found = await self._kept.get(LOCAL_OWNER, request.path_params["conversation_id"])
        fold = await self._services.runs.hub.fold(found.conversation_id)
        return json_response(version_list(fold))

    async def select(self, request: Request) -> Response:
        """Select a version."""
        settings = self._services.settings
        conversation_id: str = request.path_params["conversation_id"]
        await self._kept.get(LOCAL_OWNER, conversation_id)
        asked = decode(await read_body(request, settings), VersionChoice, settings)
        fold = await self._kept.select(LOCAL_OWNER, conversation_id, asked.run_id)
        return json_response(version_list(fold))
