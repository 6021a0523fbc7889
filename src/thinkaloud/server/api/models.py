"""List models and set the default one."""

from starlette.requests import Request
from starlette.responses import Response

from thinkaloud.runtime.runs.effort import effective_effort, permitted_effort
from thinkaloud.runtime.runs.request import check_model
from thinkaloud.server.http.operation import Answer, Operation, json_response, principal_of
from thinkaloud.server.http.parsing import read_json
from thinkaloud.server.run_request import effort_of
from thinkaloud.server.schema.requests import ModelSwitch
from thinkaloud.server.schema.responses import ModelView, Switched, model_view
from thinkaloud.server.services import ServerServices, ServerState


class ModelRoutes:
    """`/models` and `/models/switch`."""

    def __init__(self, services: ServerServices, state: ServerState) -> None:
        self._services = services
        self._state = state

    def operations(self) -> list[Operation]:
        """Return the operations of this resource."""
        return [
            Operation(
                method="GET",
                path="/api/v1/models",
                name="listModels",
                summary="List available models",
                tag="models",
                requires="read",
                handler=self.list,
                answers={200: Answer("The models.", tuple[ModelView, ...])},
                problems=(502, 503, 504),
            ),
            Operation(
                method="POST",
                path="/api/v1/models/switch",
                name="switchModel",
                summary="Set the default model",
                description="Of new runs of the caller's owner. Works offline. Active runs keep"
                " their model.",
                tag="models",
                requires="chat",
                handler=self.switch,
                body=ModelSwitch,
                answers={200: Answer("The model.", Switched)},
                problems=(404, 413, 415, 422, 503),
            ),
        ]

    async def list(self, request: Request) -> Response:
        """List the models that the caller may use."""
        catalogue = self._services.catalogue
        principal = principal_of(request)
        current = self._services.runs.selections.model(principal.owner)
        found = await catalogue.models()
        return json_response(
            [model_view(info, current) for info in found if principal.may_use(info.id)]
        )

    async def switch(self, request: Request) -> Response:
        """Set the owner's default model and, if given, default effort; both or neither."""
        services, principal = self._services, principal_of(request)
        asked = await read_json(request, ModelSwitch, services.settings)
        check_model(principal, asked.model_id)
        info = services.catalogue.open(asked.model_id).info
        effort = effort_of(asked.reasoning_effort, services.catalogue, asked.model_id)
        if effort is not None:
            effort = permitted_effort(effort, None, principal.max_effort, info)
        selections = services.runs.selections
        await selections.select(principal.owner, info.id, effort)
        current = effective_effort(None, selections.effort(principal.owner), info)
        return json_response(Switched(True, model_view(info, info.id), current))
