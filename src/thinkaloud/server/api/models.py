"""List models and set the default one."""

from starlette.requests import Request
from starlette.responses import Response

from thinkaloud.runtime.runs.effort import effective_effort
from thinkaloud.server.http.operation import Answer, Operation, json_response
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
                description="Works offline. Active runs keep their model.",
                tag="models",
                requires="chat",
                handler=self.switch,
                body=ModelSwitch,
                answers={200: Answer("The model.", Switched)},
                problems=(404, 413, 415, 422, 503),
            ),
        ]

    async def list(self, request: Request) -> Response:
        """List the models."""
        catalogue = self._services.catalogue
        found = await catalogue.models()
        return json_response([model_view(info, catalogue.current) for info in found])

    async def switch(self, request: Request) -> Response:
        """Set the default model and, if given, the default effort; both or neither."""
        services = self._services
        asked = await read_json(request, ModelSwitch, services.settings)
        info = services.catalogue.open(asked.model_id).info
        effort = effort_of(asked.reasoning_effort, services.catalogue, asked.model_id)
        effort = effective_effort(effort, None, info)
        info = services.catalogue.switch(asked.model_id)
        if effort is not None:
            self._state.reasoning_effort = effort
        current = effective_effort(None, self._state.reasoning_effort, info)
        return json_response(Switched(True, model_view(info, services.catalogue.current), current))
