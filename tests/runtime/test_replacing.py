"""Regenerate, edit and resend: a new version, which takes effect with its first answer text."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from tests.harness import OWNER, logged, open_runs, start
from thinkaloud.core.conversations.export import Export
from thinkaloud.errors import Conflict, NotFound
from thinkaloud.events.event import AnswerDelta, ReasoningDelta, VersionSelected
from thinkaloud.events.fold import Fold
from thinkaloud.events.model import ModelFailed
from thinkaloud.events.prompt import UserTurn
from thinkaloud.events.view import ConversationView
from thinkaloud.ports.store import RunRecord
from thinkaloud.runtime.runs.hooks import AgentHook
from thinkaloud.runtime.runs.supervisor import Runs
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.testing import ScriptedModel, Wait, finish, say, think

REFUSED = [ModelFailed("provider_auth", "The key was refused.")]


async def ask(runs: Runs, text: str, replaces: RunRecord | None = None) -> RunRecord:
    """Carry a message to its end."""
    replaced = None if replaces is None else replaces.run_id
    record = await start(runs, text, conversation_id="c", replaces=replaced)
    await logged(runs, record)
    await runs.active.wait(record.run_id)
    return record


async def view_of(runs: Runs) -> ConversationView:
    return (await runs.hub.fold(OWNER, "c")).view()


async def visible_runs(runs: Runs) -> list[tuple[str, str]]:
    return [(run.input.text, run.response) for run in (await view_of(runs)).runs]


async def exported(runs: Runs, version: RunRecord | None = None) -> Export:
    chosen = None if version is None else version.run_id
    document = await runs.conversations.export(
        OWNER, "c", "json", include_reasoning=False, version=chosen
    )
    return msgspec.json.decode(document, type=Export)


def questions(turns: Sequence[object]) -> list[str]:
    return [turn.text for turn in turns if isinstance(turn, UserTurn)]


@pytest.mark.promise("P8")
async def test_an_edited_message_starts_a_new_version_and_the_prompt_has_only_earlier_messages() -> (
    None
):
    model = ScriptedModel([say("One")], [say("Two")], [say("Better")])
    async with open_runs(model) as runs:
        await ask(runs, "first")
        second = await ask(runs, "second")
        edited = await ask(runs, "second, please", replaces=second)
        view = await view_of(runs)

    assert [run.response for run in view.runs] == ["One", "Better"]
    assert view.versions == {edited.run_id: (second.run_id, edited.run_id)}
    assert view.attempt is None
    assert questions(model.requests[2].turns) == ["first", "second, please"]


@pytest.mark.promise("P8")
@pytest.mark.parametrize(
    "thought", [[], [think("Let me see.")]], ids=["at once", "after a thought"]
)
async def test_a_replacement_that_fails_before_its_answer_changes_nothing(
    thought: list[object],
) -> None:
    model = ScriptedModel([say("One")], [say("Two")], [*thought, *REFUSED], [say("Three")])
    async with open_runs(model) as runs:
        first = await ask(runs, "first")
        await ask(runs, "second")
        failed = await ask(runs, "first", replaces=first)
        view = await view_of(runs)
        assert await visible_runs(runs) == [("first", "One"), ("second", "Two")]
        assert view.versions[first.run_id] == (first.run_id, failed.run_id)
        assert view.attempt is not None
        assert (view.attempt.run_id, view.attempt.status) == (failed.run_id, "failed")
        document = await exported(runs)
        assert [run.response for run in document.runs] == ["One", "Two"]
        assert [each.run.run_id for each in document.other_versions] == [failed.run_id]

        await ask(runs, "third")
        assert questions(model.requests[3].turns) == ["first", "second", "third"]
        assert (await view_of(runs)).attempt is None


async def test_a_replacement_that_is_stopped_while_thinking_changes_nothing() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([say("One")], [say("Two")], [think("Hm"), Wait(gate), say("Never")])
    async with open_runs(model) as runs:
        first = await ask(runs, "first")
        await ask(runs, "second")
        again = await start(runs, "first", conversation_id="c", replaces=first.run_id)
        async with runs.follow(again) as follower:
            while not any(
                isinstance(entry.logged.event, ReasoningDelta) for entry in await follower.batch()
            ):
                pass
            attempt = (await view_of(runs)).attempt
            assert attempt is not None
            assert (attempt.status, attempt.reasoning) == ("running", "Hm")
            await runs.stop(OWNER, again.run_id)
        assert await visible_runs(runs) == [("first", "One"), ("second", "Two")]


async def test_a_replacement_takes_effect_with_its_first_answer_text_and_keeps_it_when_it_fails_later() -> (
    None
):
    gates = [asyncio.Event(), asyncio.Event()]
    script = [think("Hm"), Wait(gates[0]), say(" \n"), say("Bet"), Wait(gates[1]), *REFUSED]
    model = ScriptedModel([say("One")], [say("Two")], script)
    async with open_runs(model) as runs:
        first = await ask(runs, "first")
        await ask(runs, "second")
        again = await start(runs, "first", conversation_id="c", replaces=first.run_id)
        async with runs.follow(again) as follower:
            while not any(
                isinstance(entry.logged.event, ReasoningDelta) for entry in await follower.batch()
            ):
                pass
            assert await visible_runs(runs) == [("first", "One"), ("second", "Two")]
            gates[0].set()
            answer = ""
            while not answer.strip():
                for entry in await follower.batch():
                    if isinstance(entry.logged.event, AnswerDelta):
                        answer += entry.logged.event.text
            while (await visible_runs(runs)) != [("first", " \nBet")]:
                await follower.batch()
            gates[1].set()
            while await follower.batch():
                pass
        assert await visible_runs(runs) == [("first", " \nBet")]
        assert (await view_of(runs)).runs[0].status == "failed"


async def test_an_answer_of_only_whitespace_replaces_nothing() -> None:
    model = ScriptedModel([say("One")], [say(" \n\t"), finish()], [say("Two")])
    async with open_runs(model) as runs:
        first = await ask(runs, "first")
        await ask(runs, "first", replaces=first)
        assert await visible_runs(runs) == [("first", "One")]


async def test_the_last_failed_message_is_replaced_by_its_retry_at_once() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([*REFUSED], [Wait(gate), *REFUSED], [say("One")])
    async with open_runs(model) as runs:
        first = await ask(runs, "frist")
        second = await start(runs, "first", conversation_id="c", replaces=first.run_id)
        await asyncio.wait_for(_shown(runs, second), 5)
        gate.set()
        await runs.active.wait(second.run_id)
        assert await visible_runs(runs) == [("first", "")]
        third = await ask(runs, "first", replaces=second)
        view = await view_of(runs)
        assert [run.response for run in view.runs] == ["One"]
        assert view.versions[third.run_id] == (first.run_id, second.run_id, third.run_id)


async def _shown(runs: Runs, record: RunRecord) -> None:
    while record.run_id not in (await runs.hub.fold(OWNER, "c")).runs:
        await asyncio.sleep(0)


async def test_an_earlier_failed_message_stays_until_its_retry_answers() -> None:
    model = ScriptedModel([*REFUSED], [say("Two")], [*REFUSED])
    async with open_runs(model) as runs:
        first = await ask(runs, "first")
        await ask(runs, "second")
        await ask(runs, "first", replaces=first)
        assert await visible_runs(runs) == [("first", ""), ("second", "Two")]


@pytest.mark.promise("P6")
async def test_a_run_cannot_be_replaced_twice_at_the_same_time() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([say("One")], [Wait(gate), say("Better")], [say("Best")])
    async with open_runs(model) as runs:
        first = await ask(runs, "first")
        again = await start(runs, "again", conversation_id="c", replaces=first.run_id)
        with pytest.raises(Conflict):
            await start(runs, "and again", conversation_id="c", replaces=first.run_id)
        gate.set()
        await runs.active.wait(again.run_id)
        third = await ask(runs, "an older version once more", replaces=first)
        view = await view_of(runs)
    assert [run.response for run in view.runs] == ["Best"]
    assert view.versions[third.run_id] == (first.run_id, again.run_id, third.run_id)


async def test_selecting_a_version_brings_back_all_that_followed_it_also_in_the_prompt() -> None:
    model = ScriptedModel(*[[say(each)] for each in ("One", "Two", "Better", "Three", "Four")])
    async with open_runs(model) as runs:
        first = await ask(runs, "first")
        second = await ask(runs, "second")
        other = await ask(runs, "first", replaces=first)
        third = await ask(runs, "third")
        await runs.conversations.select(OWNER, "c", first.run_id)
        assert await visible_runs(runs) == [("first", "One"), ("second", "Two")]
        await ask(runs, "fourth")
        assert questions(model.requests[4].turns) == ["first", "second", "fourth"]
        # A run inside the other version selects the way to it.
        fold = await runs.conversations.select(OWNER, "c", third.run_id)
        assert list(fold.runs) == [other.run_id, third.run_id]
        await runs.conversations.select(OWNER, "c", second.run_id)
        assert [text for text, _ in await visible_runs(runs)] == ["first", "second", "fourth"]


async def test_each_version_is_restored_with_the_last_selection_inside_it() -> None:
    model = ScriptedModel(*[[say(each)] for each in ("One", "Two", "Two again", "Better")])
    async with open_runs(model) as runs:
        first = await ask(runs, "first")
        second = await ask(runs, "second")
        await ask(runs, "second", replaces=second)
        await runs.conversations.select(OWNER, "c", second.run_id)
        better = await ask(runs, "first", replaces=first)
        assert await visible_runs(runs) == [("first", "Better")]
        await runs.conversations.select(OWNER, "c", first.run_id)
        assert await visible_runs(runs) == [("first", "One"), ("second", "Two")]
        await runs.conversations.select(OWNER, "c", better.run_id)
        assert await visible_runs(runs) == [("first", "Better")]


async def test_selecting_what_is_selected_already_writes_nothing() -> None:
    async with open_runs(ScriptedModel([say("One")])) as runs:
        first = await ask(runs, "first")
        before = await runs.hub.logged(OWNER, "c")
        await runs.conversations.select(OWNER, "c", first.run_id)
        assert await runs.hub.logged(OWNER, "c") == before


async def test_no_version_can_be_selected_while_a_run_is_active_nor_an_unknown_one() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([say("One")], [say("Better")], [Wait(gate), say("Two")])
    async with open_runs(model) as runs:
        first = await ask(runs, "first")
        await ask(runs, "first", replaces=first)
        with pytest.raises(NotFound):
            await runs.conversations.select(OWNER, "c", "run_nowhere")
        with pytest.raises(NotFound):
            await runs.conversations.select("somebody else", "c", first.run_id)
        running = await start(runs, "second", conversation_id="c")
        with pytest.raises(Conflict):
            await runs.conversations.select(OWNER, "c", first.run_id)
        gate.set()
        await runs.active.wait(running.run_id)
        await runs.conversations.select(OWNER, "c", first.run_id)
        assert await visible_runs(runs) == [("first", "One")]


async def test_a_version_can_be_selected_as_soon_as_the_end_of_a_run_is_seen() -> None:
    in_hook, finish_hook = asyncio.Event(), asyncio.Event()

    class SlowHook(AgentHook):
        async def after_run(self, reply: object) -> None:
            in_hook.set()
            await finish_hook.wait()

    async with open_runs(ScriptedModel([say("One")], [say("Better")]), hooks=[SlowHook()]) as runs:
        finish_hook.set()
        first = await ask(runs, "first")
        finish_hook.clear()
        in_hook.clear()
        again = await start(runs, "first", conversation_id="c", replaces=first.run_id)
        await logged(runs, again)
        await in_hook.wait()
        assert runs.active.in_conversation(OWNER, "c") == [again.run_id]
        await runs.conversations.select(OWNER, "c", first.run_id)
        finish_hook.set()
        await runs.active.wait(again.run_id)
        assert await visible_runs(runs) == [("first", "One")]


async def test_a_selection_is_persisted_and_its_number_is_never_reused() -> None:
    store = MemoryStore()
    async with open_runs(ScriptedModel([say("One")], [say("Better")]), store=store) as runs:
        first = await ask(runs, "first")
        await ask(runs, "first", replaces=first)
        fold = await runs.conversations.select(OWNER, "c", first.run_id)
    async with open_runs(ScriptedModel([say("Two")]), store=store) as runs:
        assert await visible_runs(runs) == [("first", "One")]
        after = await start(runs, "second", conversation_id="c")
        events = await logged(runs, after)
        assert events[0].seq == fold.seq + 1
        kept = [each.event for each in await runs.hub.logged(OWNER, "c")]
        assert kept.count(VersionSelected(first.run_id)) == 1


async def test_a_branch_of_an_older_version_has_what_led_to_it_and_nothing_else() -> None:
    model = ScriptedModel(*[[say(each)] for each in ("One", "Two", "Better", "Go on")])
    async with open_runs(model) as runs:
        first = await ask(runs, "first")
        second = await ask(runs, "second")
        await ask(runs, "edited", replaces=first)
        made = await runs.conversations.branch(OWNER, "c", second.run_id)
        view = (await runs.hub.fold(made.owner, made.conversation_id)).view()
        assert [run.input.text for run in view.runs] == ["first", "second"]
        assert view.versions == {}
        assert await visible_runs(runs) == [("edited", "Better")]


async def test_an_export_has_every_version_and_can_be_of_any_of_them() -> None:
    model = ScriptedModel(*[[say(each)] for each in ("One", "Two", "Better")])
    async with open_runs(model) as runs:
        first = await ask(runs, "first")
        second = await ask(runs, "second")
        better = await ask(runs, "edited", replaces=first)
        document = await exported(runs)
        assert [run.run_id for run in document.runs] == [better.run_id]
        others = [(each.after, each.selected, each.run.run_id) for each in document.other_versions]
        assert others == [(None, False, first.run_id), (first.run_id, True, second.run_id)]
        older = await exported(runs, first)
        assert [run.run_id for run in older.runs] == [first.run_id, second.run_id]
        assert [(each.after, each.selected) for each in older.other_versions] == [(None, False)]
        text = await runs.conversations.export(
            OWNER, "c", "markdown", include_reasoning=False, version=second.run_id
        )
        assert b"Two" in text
        assert b"Better" not in text


async def test_a_log_from_before_versions_opens_with_all_replaced_runs() -> None:
    """It has no selections, and `replaces` may name a run that is not there."""
    model = ScriptedModel(*[[say(each)] for each in ("One", "Two", "Better", "Three")])
    async with open_runs(model) as runs:
        first = await ask(runs, "first")
        second = await ask(runs, "second")
        better = await ask(runs, "edited", replaces=first)
        third = await ask(runs, "third")
        fold = Fold("c")
        for each in await runs.hub.logged(OWNER, "c"):
            fold.apply(each)
    assert list(fold.runs) == [better.run_id, third.run_id]
    assert list(fold.tree.path(first.run_id)) == [first.run_id, second.run_id]
