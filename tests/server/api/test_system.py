"""Health, server info and API documents."""

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from websockets.asyncio.client import connect

from tests.runtime.failing import FailingStore
from tests.server.serving import exchange_over, serving, valid
from thinkaloud.server.services import About
from thinkaloud.stores.sqlite import Opening, SqliteStore
from thinkaloud.testing import ScriptedModel, Silence, say

DOCUMENTS = ["openapi", "asyncapi"]
PAGES = ["/api/docs", "/api/docs/stream"]


async def test_the_probes_distinguish_liveness_from_readiness() -> None:
    async with serving(ScriptedModel()) as served:
        async with served.session.get(f"{served.url}/healthz") as response:
            assert (response.status, await response.json()) == (200, {"status": "alive"})
        async with served.session.get(f"{served.url}/readyz") as response:
            assert (response.status, (await response.json())["status"]) == (200, "healthy")
        status, health = await served.get("/health")
    assert (status, set(health["checks"])) == (200, {"store", "saving", "model", "runs"})


async def test_a_store_that_rejects_writes_is_reported_until_it_accepts_them(
    tmp_path: Path,
) -> None:
    path = tmp_path / "thinkaloud.db"
    async with (
        SqliteStore.open(path, Opening(busy_timeout=0.02)) as store,
        serving(ScriptedModel(), store=store) as served,
    ):
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            assert (await served.post("/chat/message", {"text": "Hi"}))[0] == 503
            status, held = await served.get("/health")
            other.execute("ROLLBACK")
        _, free = await served.get("/health")
    assert (status, held["status"], free["status"]) == (200, "degraded", "healthy")
    assert held["checks"]["saving"]["status"] == "degraded"
    assert "Another program has locked" in held["checks"]["saving"]["detail"]


async def test_unsaved_events_are_reported_until_their_conversation_is_deleted() -> None:
    store = FailingStore()
    async with serving(ScriptedModel([say("One")]), store=store) as served:
        store.full = store.room_for_a_trial = True
        status, _ = await served.post("/chat/message", {"text": "Hi", "conversation_id": "c"})
        _, full = await served.get("/health")
        async with served.session.delete(f"{served.api}/conversations/c") as response:
            assert (status, response.status) == (200, 204)
        while served.runs.hub.writer.failing:
            await asyncio.sleep(0)
        _, after = await served.get("/health")
    assert (full["checks"]["saving"]["status"], full["status"]) == ("degraded", "degraded")
    assert after["status"] == "healthy"


async def test_the_demo_model_is_identified_everywhere() -> None:
    about = About("1.2.3", demo=True)
    async with serving(ScriptedModel(), about=about) as served:
        _, health = await served.get("/health")
        _, info = await served.get("/system-info")
        _, can = await served.get("/capabilities")
        async with served.session.get(served.url) as response:
            welcome = await response.json()
    assert health["status"] == "degraded"
    assert "demo" in health["checks"]["model"]["detail"]
    assert info["demo"] is can["features"]["demo"] is welcome["demo"] is True
    assert {info["version"], can["version"], welcome["version"]} == {"1.2.3"}


async def test_live_counts_are_current() -> None:
    async with (
        serving(ScriptedModel([say("A"), Silence()])) as served,
        served.socket(),
        served.events("POST", "/chat/stream-sse", json={"text": "Hi"}) as stream,
    ):
        await anext(stream)
        _, busy = await served.get("/system-status")
        async with served.session.get(f"{served.url}/metrics") as response:
            figures = await response.text()
    assert (busy["active_runs"], busy["open_sockets"], busy["open_event_streams"]) == (1, 1, 1)
    assert "thinkaloud_active_runs 1.0" in figures
    assert "thinkaloud_open_sockets 1.0" in figures


async def test_metrics_are_counted_by_route_and_contain_no_content() -> None:
    async with serving(ScriptedModel([say("answer-canary")])) as served:
        await exchange_over("rest", served, text="question-canary", conversation_id="name-canary")
        await served.get("/conversations/name-canary?x=query-canary")
        await served.get("/canary")
        async with served.session.request("PURGE", f"{served.api}/models") as response:
            assert response.status == 405
        async with served.session.get(f"{served.url}/metrics") as response:
            figures = await response.text()
    route = 'route="/api/v1/conversations/{conversation_id}"'
    assert f'{{method="GET",{route},status="200"}} 1.0' in figures
    assert '{method="other",route="/api/v1/models",status="405"} 1.0' in figures
    assert "canary" not in figures.lower()


async def test_every_route_is_described_and_every_description_is_routed() -> None:
    async with serving(ScriptedModel()) as served:
        document = await served.document("openapi")
        for path, methods in document["paths"].items():
            address = served.url + re.sub(r"\{\w+\}", "none", path)
            async with served.session.request("TRACE", address) as response:
                assert response.status == 405
                allowed = set(response.headers["Allow"].split(", ")) - {"HEAD"}
            assert {method.upper() for method in methods} == allowed
        found = {
            operation["operationId"]
            for methods in document["paths"].values()
            for operation in methods.values()
        }
        assert len(found) == sum(len(methods) for methods in document["paths"].values())
    for path in (
        *("/chat/message", "/chat/stream-sse", "/runs/{run_id}", "/runs/{run_id}/stop"),
        *("/runs/{run_id}/events", "/conversations", "/conversations/{conversation_id}"),
        *("/conversations/{conversation_id}/messages", "/conversations/{conversation_id}/events"),
        *("/models", "/models/switch", "/capabilities", "/health", "/system-info"),
        "/system-status",
    ):
        assert f"/api/v1{path}" in document["paths"]


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_every_schema_of_a_document_is_valid_and_self_contained(name: str) -> None:
    async with serving(ScriptedModel()) as served:
        document = await served.document(name)
    for title, schema in document["components"]["schemas"].items():
        assert "." not in title, "two types have the same name"
        Draft202012Validator.check_schema(schema)
    for reference in references(document):
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
        assert isinstance(place, dict)


def references(value: Any) -> list[str]:
    """Every `$ref` of a document."""
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [each for inner in value.values() for each in references(inner)]
    if isinstance(value, list):
        return [each for inner in value for each in references(inner)]
    return []


async def test_the_document_describes_exactly_the_accepted_socket_messages() -> None:
    async with serving(ScriptedModel()) as served:
        document = await served.document("asyncapi")
    for message, kind in (
        ({"text": "Hi", "reasoning_effort": "high", "max_iterations": 3}, "ChatRequest"),
        ({"type": "stop"}, "StopCommand"),
        ({"type": "resume", "conversation_id": "c", "after": 0}, "ResumeCommand"),
    ):
        valid(message, {"$ref": f"#/components/schemas/{kind}"}, document)
    checker = Draft202012Validator(
        {"$ref": "#/components/schemas/ChatRequest", "components": document["components"]}
    )
    assert not checker.is_valid({"text": "Hi", "reasoning_effort": "huge"})
    assert not checker.is_valid({"text": "Hi", "max_iterations": 0})


@pytest.mark.parametrize("path", PAGES)
async def test_the_pages_are_readable_and_load_nothing_from_elsewhere(path: str) -> None:
    async with serving(ScriptedModel()) as served:
        async with served.session.get(served.url + path) as response:
            page = await response.text()
            assert response.content_type == "text/html"
            policy = response.headers["Content-Security-Policy"]
        for source in re.findall(r'(?:src|href)="([^"#][^"]*)"', page):
            assert source.startswith("/api/")
            async with served.session.get(served.url + source) as response:
                assert response.status == 200
    assert "<script" not in page
    assert "style=" not in page
    assert "default-src 'none'" in policy
    assert "include_reasoning" in page
    anchors = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= anchors


async def test_every_socket_is_described_at_its_path() -> None:
    async with serving(ScriptedModel()) as served:
        document = await served.document("asyncapi")
        addresses = {channel["address"] for channel in document["channels"].values()}
        assert "/api/v1/chat/stream" in addresses
        for address in addresses:
            async with connect(served.url.replace("http", "ws") + address):
                pass
