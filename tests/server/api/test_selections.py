"""The selected model and effort belong to the owner."""

from typing import Any

from typing_extensions import override

from tests.server.credentials import Named, credential
from tests.server.serving import Served, serving
from thinkaloud.errors import StoreError
from thinkaloud.ports.principal import Principal
from thinkaloud.ports.selections import Selection
from thinkaloud.stores.keys.memory import MemorySelections
from thinkaloud.testing import ScriptedModel, say

ANA, BOB = credential("ana"), credential("bob")


async def switch(served: Served, headers: dict[str, str], **body: Any) -> tuple[int, Any]:
    return await served.post("/models/switch", body, headers=headers)


async def current(served: Served, headers: dict[str, str]) -> list[str]:
    _, models = await served.get("/models", headers=headers)
    return [each["id"] for each in models if each["current"]]


async def test_an_owner_switches_the_model_and_the_effort_for_itself_alone() -> None:
    known = Named(ana=Principal("ana"), bob=Principal("bob"))
    one = ScriptedModel([say("One")], model_id="a/one")
    two = ScriptedModel([say("Two")], model_id="b/two")
    async with serving(one, two, authenticator=known) as served:
        status, _ = await switch(served, ANA, model_id="b/two", reasoning_effort="low")
        assert status == 200
        assert (await current(served, ANA), await current(served, BOB)) == (["b/two"], ["a/one"])
        for headers in (ANA, BOB):
            await served.post("/chat/message", {"text": "Hi"}, headers=headers)
        shown = [
            (await served.get("/capabilities", headers=headers))[1]["model"]["id"]
            for headers in (ANA, BOB)
        ]
    assert shown == ["b/two", "a/one"]
    assert [each.effort for each in two.requests] == ["low"]
    assert [each.effort for each in one.requests] == [None]


async def test_a_key_lists_and_switches_to_the_models_it_may_use_only() -> None:
    known = Named(ana=Principal("ana", models=("b/*",), max_effort="low"))
    one, two = ScriptedModel(model_id="a/one"), ScriptedModel(model_id="b/two")
    async with serving(one, two, authenticator=known) as served:
        _, models = await served.get("/models", headers=ANA)
        assert [each["id"] for each in models] == ["b/two"]
        for model in ("a/one", "no/such"):
            status, problem = await switch(served, ANA, model_id=model)
            assert (status, problem["field"]) == (403, "model")
        status, problem = await switch(served, ANA, model_id="b/two", reasoning_effort="high")
        assert (status, problem["field"]) == (403, "reasoning_effort")


class FullDisk(MemorySelections):
    """Saves nothing."""

    @override
    async def save(self, owner: str, selection: Selection, *, keep: int) -> None:
        raise StoreError("The disk is full.")


async def test_a_selection_is_used_after_a_restart_while_its_model_exists() -> None:
    known, store = Named(ana=Principal("ana"), bob=Principal("bob")), MemorySelections()
    one, two = ScriptedModel(model_id="a/one"), ScriptedModel([say("Hi")], model_id="b/two")
    async with serving(one, two, authenticator=known) as served:
        await served.runs.selections.restore(store)
        await switch(served, ANA, model_id="b/two", reasoning_effort="low")
    async with serving(one, authenticator=known) as served:
        await served.runs.selections.restore(store)
        assert await current(served, ANA) == ["a/one"]
    async with serving(one, two, authenticator=known) as served:
        await served.runs.selections.restore(store)
        assert (await current(served, ANA), await current(served, BOB)) == (["b/two"], ["a/one"])
        await served.post("/chat/message", {"text": "Hi"}, headers=ANA)
    assert [each.effort for each in two.requests] == ["low"]


async def test_a_selection_that_cannot_be_saved_changes_nothing() -> None:
    known = Named(ana=Principal("ana"))
    one, two = ScriptedModel(model_id="a/one"), ScriptedModel(model_id="b/two")
    async with serving(one, two, authenticator=known) as served:
        await served.runs.selections.restore(FullDisk())
        status, _ = await switch(served, ANA, model_id="b/two")
        assert (status, await current(served, ANA)) == (503, ["a/one"])
