"""`thinkaloud chat` as a person sees it, in a real pseudo-terminal."""

import signal

import pytest

from tests.cli.model_server import HOLD, call, end, model_server, say, think
from tests.cli.program import DEMO, Home, rendered

LONG_THOUGHT = [think(f"Step {number}: I weigh it up.\n") for number in range(1, 31)]


def test_thinking_is_live_and_folds_to_one_line_when_the_answer_begins(home: Home) -> None:
    with (
        model_server([*LONG_THOUGHT, HOLD]) as served,
        model_server([*LONG_THOUGHT, say("Tea."), end()]) as done,
    ):
        home.configure(served.configuration())
        with home.terminal("chat", "Hi") as terminal:
            lines = terminal.until("Step 30: I weigh it up.")
            assert lines[0].startswith("Thinking…")
            shown = [line for line in lines if "Step" in line]
            assert shown == [f"  Step {n}: I weigh it up." for n in range(23, 31)]
            assert "\x1b[2mStep 30" in terminal.raw
        home.configure(done.configuration())
        with home.terminal("chat", "Hi") as terminal:
            assert terminal.exit_code() == 0
            folded, answer, resume_command, *rest = terminal.lines
            assert folded.startswith("Thought for 0.")
            assert answer == "Tea."
            assert resume_command.startswith("Resume with: thinkaloud chat --conversation cli_")
            assert not any(rest)


def test_thinking_stays_unfolded_if_requested(home: Home) -> None:
    with model_server([think("I weigh "), think("it up."), say("Tea."), end()]) as served:
        home.configure(served.configuration())
        with home.terminal("chat", "Hi", "--thinking") as terminal:
            assert terminal.exit_code() == 0
            assert terminal.lines[0] == "I weigh it up."
            assert terminal.lines[1].startswith("Thought for ")
            assert terminal.lines[2] == "Tea."


@pytest.mark.promise("P7")
def test_no_thinking_is_shown_if_it_is_turned_off(home: Home) -> None:
    with model_server([think("Secret."), say("Tea."), end()]) as served:
        home.configure(served.configuration())
        with home.terminal("chat", "Hi", "--no-thinking") as terminal:
            assert terminal.exit_code() == 0
            assert "Secret" not in terminal.raw
            assert "Thought for" not in terminal.raw
            assert terminal.lines[0] == "Tea."


def test_a_tool_is_shown_in_one_dim_line(home: Home) -> None:
    with model_server(
        [think("I count."), call("calculate", {"expression": "6 * 7"}), end("tool_calls")],
        [say("It is 42."), end()],
    ) as served:
        home.configure(served.configuration())
        with home.terminal("chat", "Hi") as terminal:
            assert terminal.exit_code() == 0
            assert terminal.lines[1:3] == ['calculate(expression="6 * 7") → 42', "It is 42."]
            assert '\x1b[2mcalculate(expression="6 * 7") → 42\x1b[0m' in terminal.raw


def test_a_long_tool_result_is_cut_to_the_line(home: Home) -> None:
    (home.folder / "long.txt").write_text("many words " * 500, encoding="utf-8")
    with model_server(
        [call("read_file", {"name": "long.txt"}), end("tool_calls")], [say("Ok."), end()]
    ) as (served):
        home.configure(served.configuration(workspace=str(home.folder)))
        with home.terminal("chat", "Hi") as terminal:
            assert terminal.exit_code() == 0
            tool, answer = terminal.lines[:2]
            assert tool.startswith('read_file(name="long.txt") → many words')
            assert tool.endswith("…")
            assert answer == "Ok."


def test_model_output_cannot_control_the_terminal(home: Home) -> None:
    hostile = "\x1b]0;pwned\x07\x1b[2J\x1b[31mred\x9b31m [bold]not bold[/bold] :smile:"
    with model_server(
        [think(hostile), call("calculate", {"expression": hostile}), end("tool_calls")],
        [say(hostile), end()],
    ) as served:
        home.configure(served.configuration())
        with home.terminal("chat", "Hi") as terminal:
            assert terminal.exit_code() == 0
            for steering in ("\x1b]", "\x07", "\x1b[2J", "\x1b[31m", "\x9b"):
                assert steering not in terminal.raw
            assert "␛[31mred\ufffd31m [bold]not bold[/bold] :smile:" in "\n".join(terminal.lines)


def test_a_conversation_continues_until_a_new_one_is_started(home: Home) -> None:
    with model_server([say("One."), end()], [say("Two."), end()], [say("Three."), end()]) as served:
        home.configure(served.configuration())
        with home.terminal("chat") as terminal:
            terminal.until("›")
            terminal.type("First?\n")
            terminal.until("One.")
            terminal.until("›", times=2)
            terminal.type("Second?\n")
            terminal.until("Two.")
            terminal.until("›", times=3)
            terminal.type("/new\n")
            terminal.until("›", times=4)
            terminal.type("Third?\n")
            terminal.until("Three.")
            terminal.until("›", times=5)
            terminal.type("/quit\n")
            assert terminal.exit_code() == 0
        asked = [[message["content"] for message in each["messages"]] for each in served.asked]
    assert asked == [["First?"], ["First?", "One.", "Second?"], ["Third?"]]


def test_the_model_and_the_effort_can_be_changed_and_mistakes_are_reported(home: Home) -> None:
    home.configure(DEMO)
    with home.terminal("chat") as terminal:
        greeting = terminal.until("›")
        assert "demo/thinkaloud" in greeting[0]
        assert "not an AI" in "\n".join(greeting)
        terminal.type("/model demo/thinkalout\n")
        terminal.until("Did you mean demo/thinkaloud?")
        terminal.type("/effort hardest\n")
        terminal.until("The effort must be none, minimal")
        terminal.type("/effort none\n")
        terminal.until("Effort: none.")
        terminal.type("/conversation\n")
        terminal.until("No saved conversations yet.")
        terminal.type("/nonsense\n")
        terminal.until("Unknown command /nonsense. /help lists all commands.")
        terminal.type("/help\n")
        terminal.until("/quit")
        terminal.type("What is 6 * 7?\n")
        terminal.until("6 * 7 = 42, says")
        assert "Thought for" not in terminal.raw
        terminal.until("›", times=8)
        terminal.type("\x04")
        assert terminal.exit_code() == 0


@pytest.mark.promise("P10")
def test_ctrl_c_stops_the_answer_and_a_second_one_quits(home: Home) -> None:
    with model_server(
        [think("Hm."), say("Half an answer"), HOLD], [say("Whole."), end()]
    ) as served:
        home.configure(served.configuration())
        with home.terminal("chat") as terminal:
            terminal.until("›")
            terminal.type("Hi\n")
            terminal.until("Half an answer")
            terminal.type("\x03")
            lines = terminal.until("Stopped. The output so far is saved.")
            assert any("Half an answer" in line for line in lines)
            terminal.until("›", times=2)
            terminal.type("Again\n")
            terminal.until("Whole.")
            terminal.until("›", times=3)
            terminal.interrupt("Press Ctrl-C again to quit.")
            terminal.until("›", times=4)
            terminal.type("\x03\x03")
            assert terminal.exit_code() == 130
        messages = [message["content"] for message in served.asked[1]["messages"]]
    assert messages == ["Hi", "Half an answer", "Again"]


def test_ctrl_c_while_it_thinks_leaves_no_spinner_behind(home: Home) -> None:
    with model_server([think("Hm, let me see."), HOLD]) as served:
        home.configure(served.configuration())
        with home.terminal("chat", "Hi") as terminal:
            terminal.until("Hm, let me see.")
            terminal.type("\x03")
            assert terminal.exit_code() == 130
            assert "Thinking…" not in "\n".join(terminal.lines)
            assert "cut short" in terminal.lines[0] or "^C" in terminal.lines[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_it_leaves_the_cursor_visible(
    home: Home, number: signal.Signals
) -> None:
    with model_server([think("Hm, let me see."), HOLD]) as served:
        home.configure(served.configuration())
        with home.terminal("chat", "Hi") as terminal:
            terminal.until("Hm, let me see.")
            assert terminal.cursor_is_hidden
            terminal.signal(number)
            assert terminal.exit_code() == 128 + number
            assert not terminal.cursor_is_hidden
            assert "Thinking…" not in "\n".join(terminal.lines)


def test_ctrl_z_shows_the_cursor_and_what_comes_after_it_is_drawn_below(home: Home) -> None:
    with model_server([think("Hm, let me see."), HOLD]) as served:
        home.configure(served.configuration())
        with home.terminal("chat", "Hi") as terminal:
            terminal.until("Hm, let me see.")
            drawn = len(terminal.raw)
            terminal.signal(
                signal.SIGTSTP
            )  # Nobody could resume it here, so it continues by itself.
            terminal.until("Hm, let me see.", times=2)
            after = terminal.raw[drawn:]
            assert after.index("\x1b[?25h") < after.index("\x1b[?25l")
            terminal.type("\x03")
            assert terminal.exit_code() == 130


def test_an_answer_is_rendered_on_a_terminal_and_raw_in_a_pipe(home: Home) -> None:
    answer = "# Tea\n\nIt is **green**.\n\n```\nboil  water\n```\n"
    with model_server([say(answer), end()]) as served:
        home.configure(served.configuration())
        with home.terminal("chat", "Hi") as terminal:
            assert terminal.exit_code() == 0
            shown = ["Tea", "", "It is green.", "", "boil  water"]
            assert terminal.lines[:5] == shown
        with home.terminal("chat", "--continue") as terminal:
            lines = terminal.until("›", times=2)
            assert "\n".join(shown) in "\n".join(lines)
        assert home.run("chat", "Hi").stdout == answer


def test_with_its_output_in_a_file_it_needs_a_question(home: Home) -> None:
    home.configure(DEMO)
    with home.terminal("chat", stdout=home.folder / "out.txt") as terminal:
        assert terminal.exit_code() == 2
        assert "No question" in "\n".join(terminal.lines)


def test_the_screen_of_these_tests_moves_and_erases_as_a_terminal_does() -> None:
    assert rendered("one\r\ntwo\x1b[1A\r\x1b[2Kthree\r\n") == ["three", "two"]
    assert rendered("abc\rx\x1b[K") == ["x"]
    assert rendered("a" * 81) == ["a" * 80, "a"]
