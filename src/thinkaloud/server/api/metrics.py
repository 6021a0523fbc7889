"""Prometheus metrics. Names and labels never contain message text."""

from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge
from prometheus_client.exposition import generate_latest
from starlette.requests import Request
from starlette.responses import Response

from thinkaloud.server.http.operation import Answer, Operation
from thinkaloud.server.services import ServerServices, ServerState


class Metrics:
    """The metrics of one server, in its own registry."""

    def __init__(self, services: ServerServices, state: ServerState) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "thinkaloud_http_requests",
            "Requests answered",
            ("route", "method", "status"),
            registry=self._registry,
        )
        runs = services.runs
        self._gauge("active_runs", "Active and queued runs", lambda: len(runs.active))
        self._gauge("open_conversations", "Conversations in use", lambda: runs.hub.open_logs)
        self._gauge("open_sockets", "Chat sockets", lambda: state.sockets)
        self._gauge("open_event_streams", "Event streams", lambda: state.event_streams)
        self._gauge(
            "dropped_readers",
            "Clients disconnected because they read too slowly",
            lambda: state.dropped_readers,
        )

    def request_done(self, route: str, method: str, status: int) -> None:
        """Count a request by its route pattern, never by its path."""
        self._requests.labels(route, method, str(status)).inc()

    def operations(self) -> list[Operation]:
        """Return the operations of this resource."""
        return [
            Operation(
                method="GET",
                path="/metrics",
                name="metrics",
                summary="Prometheus metrics",
                tag="system",
                requires="metrics",
                handler=self.get,
                answers={200: Answer("The metrics.", str, "text/plain")},
            )
        ]

    async def get(self, request: Request) -> Response:
        """Return all metrics in the Prometheus text format."""
        text = generate_latest(self._registry)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    def _gauge(self, name: str, meaning: str, read: Callable[[], float]) -> None:
        gauge = Gauge(f"thinkaloud_{name}", meaning, registry=self._registry)
        gauge.set_function(read)
