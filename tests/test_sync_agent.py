"""The Python API without async: interrupted, forked, left early, called from the wrong place."""

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from thinkaloud import Agent, AgentHook, SyncAgent, UserError, run_sync
from thinkaloud.errors import InternalError
from thinkaloud.testing import ScriptedModel, Silence, say, think

OnSignal = Callable[[int, FrameType | None], Any]


@pytest.fixture(autouse=True)
def _nobody_elses_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def endless() -> ScriptedModel:
    return ScriptedModel([say("One"), Silence()], [say("Two")])


def interrupt_on(chunk: str, message_type: str) -> None:
    """Press Ctrl-C: the signal reaches the main thread, which waits."""
    os.kill(os.getpid(), signal.SIGINT)


def active_runs(agent: Agent) -> object:
    return agent.get_system_status()["active_runs"]


def test_ctrl_c_stops_the_run_that_chat_waits_for() -> None:
    model = endless()
    inner = Agent(model)
    with SyncAgent(inner) as agent:
        with pytest.raises(KeyboardInterrupt):
            agent.chat("go", on_chunk=interrupt_on)
        assert (model.open_streams, active_runs(inner)) == (0, 0)
        assert agent.chat("again")["assistant_response"] == "Two"


class InterruptingHook(AgentHook):
    """Presses Ctrl-C at the first text."""

    def __init__(self) -> None:
        self._pressed = False

    async def on_stream(self, delta: str) -> None:
        if not self._pressed:
            self._pressed = True
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_stops_the_run_that_a_stream_waits_for() -> None:
    model = endless()
    inner = Agent(model, hooks=[InterruptingHook()])
    with SyncAgent(inner) as agent:
        with pytest.raises(KeyboardInterrupt):
            for _ in agent.stream("go"):
                pass
        assert (model.open_streams, active_runs(inner)) == (0, 0)
        assert list(agent.stream("again")) == [("assistant", "Two")]


def test_ctrl_c_ends_run_sync() -> None:
    model = endless()
    with pytest.raises(KeyboardInterrupt):
        run_sync("go", agent=Agent(model, hooks=[InterruptingHook]))
    assert model.open_streams == 0
    assert not [each for each in threading.enumerate() if each.name == "thinkaloud"]


@pytest.fixture
def on_user_signal() -> Iterator[Callable[[OnSignal], None]]:
    before = signal.getsignal(signal.SIGUSR1)

    def install(handler: OnSignal) -> None:
        signal.signal(signal.SIGUSR1, handler)

    yield install
    signal.signal(signal.SIGUSR1, before)


def test_an_exception_of_another_signal_stops_the_run_and_is_raised_as_it_is(
    on_user_signal: Callable[[OnSignal], None],
) -> None:
    def expire(number: int, frame: FrameType | None) -> None:
        # Not an `OSError` like `TimeoutError`: asyncio ignores one while it wakes its loop.
        raise LookupError("mine")

    on_user_signal(expire)
    model = endless()
    with SyncAgent(Agent(model)) as agent:
        with pytest.raises(LookupError, match="mine"):
            agent.chat("go", on_chunk=lambda *_: os.kill(os.getpid(), signal.SIGUSR1))
        assert model.open_streams == 0


def leave(stream: Any) -> None:
    for _ in stream:
        break


def close(stream: Any) -> None:
    next(stream)
    stream.close()


def throw(stream: Any) -> None:
    next(stream)
    with pytest.raises(LookupError, match="mine"):
        stream.throw(LookupError("mine"))


def collect_in_a_circle(stream: Any) -> None:
    circle: list[object] = [stream]
    circle.append(circle)
    next(stream)


@pytest.mark.parametrize("way", [leave, close, throw, collect_in_a_circle])
def test_leaving_a_stream_early_stops_the_run(way: Callable[[Any], None]) -> None:
    model = endless()
    inner = Agent(model)
    with SyncAgent(inner) as agent:
        way(agent.stream("go"))
        gc.collect()
        assert (model.open_streams, active_runs(inner)) == (0, 0)
        assert agent.chat("again")["assistant_response"] == "Two"


def test_a_stream_that_is_collected_in_the_agents_own_thread_is_stopped_too() -> None:
    model = ScriptedModel([say("One"), Silence()], [say("Two")], [say("Three")])

    def on_chunk(chunk: str, message_type: str) -> None:
        gc.collect()

    gc.disable()
    try:
        with SyncAgent(Agent(model)) as agent:
            collect_in_a_circle(agent.stream("go"))
            agent.chat("again", on_chunk=on_chunk)
            agent.chat("once more")
            assert model.open_streams == 0
    finally:
        gc.enable()


def test_an_unstarted_stream_starts_no_run() -> None:
    model = endless()
    with SyncAgent(Agent(model)) as agent:
        stream = agent.stream("go")
        stream.close()
    assert model.requests == []


def test_a_stream_that_outlives_its_agent_ends_silently() -> None:
    model = endless()
    with SyncAgent(Agent(model)) as agent:
        stream = agent.stream("go")
        next(stream)
    assert model.open_streams == 0
    stream.close()
    with pytest.raises(InternalError, match="not open"):
        agent.chat("go")
    with pytest.raises(InternalError, match="not open"):
        next(agent.stream("go"))


def in_child(work: Callable[[], object]) -> str:
    """Return what the work returns or raises in a forked child, within 20 seconds."""
    context: Any = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()

    def run() -> None:
        try:
            queue.put(f"{work()}")
        except Exception as error:  # noqa: BLE001 - reported to the parent
            queue.put(f"{type(error).__name__}: {error}")

    child = context.Process(target=run)
    child.start()
    child.join(20)
    if child.is_alive():
        child.kill()
        return "it hangs"
    return "it died" if queue.empty() else queue.get()


def test_a_forked_child_has_to_open_its_own_agent() -> None:
    agent = SyncAgent(Agent(ScriptedModel([say("One")], [say("Two")])))

    def leave_the_block() -> str:
        agent.__exit__(None, None, None)
        return "left"

    def run_with_own_agent() -> str:
        return run_sync("go", agent=Agent(ScriptedModel([say("Mine")])))["assistant_response"]

    with agent:
        assert agent.chat("go")["assistant_response"] == "One"
        message = in_child(lambda: agent.chat("go"))
        assert message.startswith("UserError: The agent was opened in another process")
        assert in_child(lambda: list(agent.stream("go"))) == message
        assert in_child(leave_the_block) == "left"
        assert in_child(run_with_own_agent) == "Mine"
        assert agent.chat("go")["assistant_response"] == "Two"


def test_a_forked_child_may_drop_a_stream_and_exit() -> None:
    model = endless()
    with SyncAgent(Agent(model)) as agent:
        streams = [agent.stream("go")]
        next(streams[0])

        def drop() -> str:
            streams.clear()
            gc.collect()
            return "dropped"

        assert in_child(drop) == "dropped"
        assert model.open_streams == 1
        pid = os.fork()
        if pid == 0:
            streams[0].close()
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


async def test_a_forked_child_is_refused_the_asynchronous_agent_too() -> None:
    async with Agent(endless()) as agent:
        message = in_child(lambda: agent.runtime)
    assert message.startswith("UserError: The agent was opened in another process")


def test_calling_it_from_its_own_loop_is_refused_instead_of_deadlocking() -> None:
    raised: list[Exception] = []
    agents: list[SyncAgent] = []

    def on_chunk(chunk: str, message_type: str) -> None:
        try:
            agents[0].chat("inside")
        except UserError as error:
            raised.append(error)

    with SyncAgent(Agent(ScriptedModel([think("Hm"), say("One")]))) as agent:
        agents.append(agent)
        assert agent.chat("go", on_chunk=on_chunk)["assistant_response"] == "One"
    assert "own event loop" in str(raised[0])


def test_it_can_be_opened_again_but_not_twice_at_once() -> None:
    agent = SyncAgent(Agent(ScriptedModel([say("One")], [say("Two")])))
    with agent:
        with pytest.raises(UserError, match="already open"):
            agent.__enter__()
        assert agent.chat("go")["assistant_response"] == "One"
    with agent:
        assert agent.chat("go")["assistant_response"] == "Two"


def test_several_threads_share_one_agent() -> None:
    count = 8
    model = ScriptedModel(*[[say("One")]] * count)
    answers: list[str] = []
    with SyncAgent(Agent(model)) as agent:
        threads = [
            threading.Thread(target=lambda: answers.append(agent.chat("go")["assistant_response"]))
            for _ in range(count)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == ["One"] * count
