"""What a person types or pastes at the prompt of `thinkaloud chat`."""

import signal
import termios

import pytest

from tests.cli.model_server import HOLD, Step, end, model_server, say
from tests.cli.program import Home, Terminal

CODE = "def f(x):\n    if x:\n\treturn 1\n\n    return 0"
ANSWERED: list[Step] = [say("Tea."), end()]


def paste(terminal: Terminal, text: str) -> None:
    """Paste as terminals do: marked, and with a carriage return for each end of a line."""
    terminal.type("\x1b[200~" + text.replace("\n", "\r") + "\x1b[201~")


def test_pasted_lines_are_one_message_with_their_indentation(home: Home) -> None:
    with model_server(ANSWERED) as served:
        home.configure(served.configuration())
        with home.terminal("chat") as terminal:
            terminal.until("›")
            paste(terminal, f"{CODE}\n")
            terminal.until("return 0")
            assert served.asked == []
            terminal.type("\r")
            terminal.until("Tea.")
            terminal.until("›", times=2)
            terminal.type("\x04")
            assert terminal.exit_code() == 0
        (asked,) = served.asked
    assert asked["messages"][-1]["content"] == CODE


def test_an_indented_first_line_stays_indented(home: Home) -> None:
    with model_server(ANSWERED) as served:
        home.configure(served.configuration())
        with home.terminal("chat") as terminal:
            terminal.until("›")
            paste(terminal, "    a\n    b")
            terminal.type("\r")
            terminal.until("Tea.")
        assert served.asked[0]["messages"][-1]["content"] == "    a\n    b"


def test_alt_enter_begins_a_new_line(home: Home) -> None:
    with model_server(ANSWERED) as served:
        home.configure(served.configuration())
        with home.terminal("chat") as terminal:
            terminal.until("›")
            terminal.type("one\x1b\rtwo\r")
            terminal.until("Tea.")
        assert served.asked[0]["messages"][-1]["content"] == "one\ntwo"


def test_text_pasted_during_an_answer_is_one_queued_message(home: Home) -> None:
    with model_server([say("Half"), HOLD], ANSWERED) as served:
        home.configure(served.configuration())
        with home.terminal("chat") as terminal:
            terminal.until("›")
            terminal.type("First?\r")
            terminal.until("Half")
            paste(terminal, "one\n  two\n")
            terminal.type("\x03")
            lines = terminal.until("  two")
            assert not any("200~" in line for line in lines)
            assert len(served.asked) == 1
            terminal.type("\r")
            terminal.until("Tea.")
        assert served.asked[1]["messages"][-1]["content"] == "one\n  two"


def test_a_command_may_span_lines_and_a_path_is_not_a_command(home: Home) -> None:
    with model_server(ANSWERED) as served:
        home.configure(served.configuration())
        with home.terminal("chat") as terminal:
            terminal.until("›")
            terminal.type("/etc/hosts says what?\r")
            terminal.until("Tea.")
            paste(terminal, "/edit one\n  two")
            terminal.type("\r")
            terminal.until("Tea.", times=2)
            terminal.type("/nonsense\r")
            terminal.until("Unknown command /nonsense.")
        contents = [asked["messages"][-1]["content"] for asked in served.asked]
    assert contents == ["/etc/hosts says what?", "one\n  two"]


def test_pasted_text_cannot_control_the_terminal(home: Home) -> None:
    with model_server(ANSWERED) as served:
        home.configure(served.configuration())
        with home.terminal("chat") as terminal:
            terminal.until("›")
            paste(terminal, "a\x1b]0;pwned\x07b\x1b[2Jc")
            terminal.until("pwned")
            assert "\x1b]0;pwned" not in terminal.raw
            assert "\x1b[2J" not in terminal.raw


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_the_prompt_restores_the_terminal(home: Home, number: signal.Signals) -> None:
    with model_server(ANSWERED) as served:
        home.configure(served.configuration())
        with home.terminal("chat") as terminal:
            before = terminal.settings
            terminal.until("›")
            terminal.type("typed")
            terminal.until("typed")
            assert not terminal.settings[3] & termios.ICANON
            terminal.signal(number)
            assert terminal.exit_code() == 128 + number
            assert terminal.settings[3] == before[3]
            assert terminal.raw.rfind("\x1b[?2004l") > terminal.raw.rfind("\x1b[?2004h")
            assert "Traceback" not in terminal.raw
