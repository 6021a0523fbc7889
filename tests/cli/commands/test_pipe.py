"""`thinkaloud chat` in scripts: stdout, stderr and exit codes."""

import contextlib
import json
import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.model_server import CUT, HOLD, Step, call, end, model_server, say, think
from tests.cli.program import DEMO, PROGRAM, Home
from thinkaloud.events import codec
from thinkaloud.events.event import AnswerDelta, ReasoningDelta, RunEnded, ToolEnded
from thinkaloud.server.schema.responses import ModelView

HOSTILE = "a\x1b]0;pwned\x07b\x1b[2Jc\rd\x9b31me\u202ef\x7fg"
HARMLESS = "a␛]0;pwned␇b␛[2Jcd\ufffd31me\ufffdf␡g"


@pytest.mark.promise("P1", "P7")
def test_a_pipe_gets_only_the_answer(home: Home) -> None:
    with model_server([think("I weigh it up."), say("Hello "), say("you."), end()]) as served:
        home.configure(served.configuration())
        done = home.run("chat", "Hi")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Hello you.\n", "")


def test_thinking_is_printed_to_stderr_if_requested(home: Home) -> None:
    with model_server([think("I weigh "), think("it up."), say("Hello."), end()]) as served:
        home.configure(served.configuration())
        done = home.run("chat", "Hi", "--thinking")
    assert (done.stdout, done.stderr) == ("Hello.\n", "I weigh it up.\n\n")


def test_the_question_may_come_through_the_pipe(home: Home) -> None:
    with model_server([say("Yes."), end()]) as served:
        home.configure(served.configuration())
        done = home.run("chat", stdin="Is this – a question?\n")
        assert done.stdout == "Yes.\n"
        assert served.asked[0]["messages"][-1]["content"] == "Is this – a question?"


@pytest.mark.parametrize("arguments", [("Why?",), ("Why?", "--file", "-")])
def test_piped_text_is_attached_to_the_question(home: Home, arguments: tuple[str, ...]) -> None:
    with model_server([say("Yes."), end()]) as served:
        home.configure(served.configuration())
        assert home.run("chat", *arguments, stdin="  a log line\n\tmore\n").returncode == 0
        (asked,) = served.asked
    content = "<context>\nstdin:   a log line\n\tmore\n</context>\n\nWhy?"
    assert asked["messages"][-1]["content"] == content


def test_a_redirected_file_is_attached_like_a_pipe(home: Home) -> None:
    (home.folder / "log.txt").write_text("\ufeffa log line\n", encoding="utf-8")
    with model_server([say("Yes."), end()]) as served:
        home.configure(served.configuration())
        command = f"{shlex.quote(str(PROGRAM))} chat Why?"
        assert home.shell(f"{command} < log.txt").stdout == "Yes.\n"
        assert home.shell(f"{command} < /dev/null").stdout == "Yes.\n"
        assert home.shell(f"{command} <&-").stdout == "Yes.\n"
        contents = [asked["messages"][-1]["content"] for asked in served.asked]
    assert contents == [
        "<context>\nstdin: a log line\n</context>\n\nWhy?",
        "Why?",
        "Why?",
    ]


def test_a_dash_reads_the_text_from_the_pipe(home: Home) -> None:
    with model_server([say("Yes."), end()]) as served:
        home.configure(served.configuration())
        home.run("chat", "-", stdin="def f():\n    return 1\n")
        (kept,) = json.loads(home.run("conversations", "list", "--json").stdout)
        edit = ("conversations", "edit", kept["conversation_id"], "1", "-")
        assert home.run(*edit, stdin="def g():\n    return 2\n").returncode == 0
        contents = [asked["messages"][-1]["content"] for asked in served.asked]
    assert contents == ["def f():\n    return 1", "def g():\n    return 2"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x89PNG\r\n\x1a\n", "not UTF-8 text"),
        (b"text\x00text", "binary data (it contains a NUL byte)"),
        ("naïve".encode("latin-1"), "not UTF-8 text"),
        (b"x" * (1024 * 1024 + 1), "larger than 1,048,576 bytes"),
    ],
)
@pytest.mark.parametrize("arguments", [("Why?",), (), ("-",), ("Why?", "--json")])
def test_invalid_piped_input_is_refused_before_the_model_is_called(
    home: Home, arguments: tuple[str, ...], data: bytes, expected: str
) -> None:
    home.configure(DEMO)
    done = home.run("chat", *arguments, stdin=data)
    assert (done.returncode, done.stdout) == (2, "")
    assert expected in done.stderr


def test_files_of_the_workspace_reach_the_model(home: Home) -> None:
    notes = home.folder / "notes"
    notes.mkdir()
    (notes / "tea.md").write_text("Green.", encoding="utf-8")
    (home.folder / "secret.txt").write_text("Outside.", encoding="utf-8")
    with model_server([say("Yes."), end()]) as served:
        home.configure(served.configuration(workspace=str(notes)))
        for name in ("tea.md", "notes/tea.md"):
            assert home.run("chat", "Which?", "--file", name).returncode == 0
        outside = home.run("chat", "Which?", "--file", "secret.txt")
        contents = [asked["messages"][-1]["content"] for asked in served.asked]
    assert contents == 2 * ['<file name="tea.md">\nGreen.\n</file>\n\nWhich?']
    assert outside.returncode == 2
    assert "'secret.txt'" in outside.stderr


def test_without_a_workspace_a_file_is_refused_with_a_solution(home: Home) -> None:
    home.configure(DEMO)
    done = home.run("chat", "Which?", "--file", "tea.md")
    assert done.returncode == 2
    assert "THINKALOUD_SERVER__WORKSPACE" in done.stderr


@pytest.mark.promise("P4", "P7")
def test_json_prints_one_event_per_line_and_reasoning_only_if_requested(home: Home) -> None:
    with model_server(
        [think("Weigh."), call("calculate", {"expression": "6*7"}), end("tool_calls")],
        [say("It is "), say(HOSTILE), end()],
    ) as served:
        home.configure(served.configuration())
        done = home.run("chat", "Hi", "--json")
    with model_server([think("Weigh."), say("Yes."), end()]) as served:
        home.configure(served.configuration())
        with_thinking = home.run("chat", "Hi", "--json", "--thinking")
    events = [codec.decode(line).event for line in done.stdout.splitlines()]
    answer = "".join(event.text for event in events if isinstance(event, AnswerDelta))
    assert answer == "It is " + HOSTILE
    assert [event.result for event in events if isinstance(event, ToolEnded)] == ["42"]
    assert isinstance(events[-1], RunEnded)
    assert "Weigh." not in done.stdout
    assert set(done.stdout) & set("\x1b\x7f\x9b\u202e") == set()
    events = [codec.decode(line).event for line in with_thinking.stdout.splitlines()]
    assert any(isinstance(event, ReasoningDelta) for event in events)


def test_terminal_control_characters_are_made_visible(home: Home) -> None:
    with model_server([think(HOSTILE), say(HOSTILE), end()]) as served:
        home.configure(served.configuration())
        done = home.run("chat", "Hi", "--thinking")
    assert done.stdout == HARMLESS + "\n"
    assert done.stderr == HARMLESS + "\n\n"


@pytest.mark.parametrize(
    ("answer", "status", "code", "expected"),
    [
        ([say("Half"), CUT], 200, 4, "Failed (provider_stream_cut)"),
        ([], 401, 4, "Failed (provider_auth)"),
        ([think("Hm."), end()], 200, 1, "ended its turn without an answer"),
        ([say("Long"), end("length")], 200, 0, "cut off at the output limit"),
        (
            [call("calculate", {"expression": "1"}), end("tool_calls")],
            *(200, 5, "Stopped after 2 model calls, the limit"),
        ),
    ],
)
def test_the_exit_code_reports_how_the_run_ended(
    home: Home, answer: list[Step], status: int, code: int, expected: str
) -> None:
    with model_server(answer, status=status) as served:
        home.configure(served.configuration())
        done = home.run("chat", "Hi", "--max-iterations", "2")
    assert done.returncode == code
    assert expected in done.stderr
    assert done.stdout == {"Failed (provider_stream_cut)": "Half\n"}.get(expected, done.stdout)


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["chat"], 2, "No question: pass TEXT"),
        (["chat", " "], 2, "No question: pass TEXT"),
        (["chat", "Hi", "--model", "demo/thinkalout"], 2, "Did you mean demo/thinkaloud?"),
        (["chat", "Hi", "--model", "nonsense"], 2, "`thinkaloud models` lists"),
        (["chat", "Hi", "--model", "openai/gpt-5.5"], 3, "set OPENAI_API_KEY"),
        (["chat", "Hi", "--effort", "hardest"], 2, "none, minimal, low"),
        (["chat", "Hi", "--max-iterations", "0"], 2, "from 1 to 1000"),
        (["chat", "Hi", "--file", "-", "--config", "gone.toml"], 3, "gone.toml"),
        (["chat", "Hi", "--nonsense"], 2, "--nonsense"),
        (["nonsense"], 2, "nonsense"),
        (["serve", "--port", "70000"], 2, "--port"),
    ],
)
def test_an_error_before_the_run_has_its_own_code(
    home: Home, arguments: list[str], code: int, expected: str
) -> None:
    home.configure(DEMO)
    done = home.run(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


def test_an_invalid_setting_is_reported_with_file_key_and_allowed_values(home: Home) -> None:
    home.configure('[model]\nreasoning_effort = "hardest"\n')
    done = home.run("chat", "Hi")
    assert done.returncode == 3
    for needed in ("thinkaloud.toml", "model.reasoning_effort", "minimal"):
        assert needed in done.stderr


def test_binary_piped_input_is_refused(home: Home) -> None:
    home.configure(DEMO)
    done = home.run("chat", stdin=b"\xff\xfe\x00")
    assert (done.returncode, done.stdout) == (2, "")
    assert "UTF-8" in done.stderr


@pytest.mark.promise("P10")
def test_ctrl_c_stops_the_run_and_keeps_the_output(home: Home) -> None:
    with model_server([say("Half an answer"), HOLD]) as served:
        home.configure(served.configuration())
        with home.start("chat", "Hi") as process:
            assert process.stdout is not None
            got = os.read(process.stdout.fileno(), 100)
            process.send_signal(signal.SIGINT)
            rest, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert got + rest == b"Half an answer\n"
    assert b"Stopped. The output so far is saved." in errors


def test_a_second_ctrl_c_quits_even_if_the_pipe_is_not_read(home: Home) -> None:
    with model_server([*[say("word " * 2000)] * 200, HOLD]) as served:
        home.configure(served.configuration())
        with home.start("chat", "Hi") as process:
            assert process.stdout is not None
            assert process.stdout.read(5) == b"word "
            presses = 0
            while process.poll() is None and presses < 100:
                process.send_signal(signal.SIGINT)
                presses += 1
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.2)
            assert process.poll() in {130, -signal.SIGINT}  # `$?` is 130 for both
            assert process.stderr is not None
            assert b"Traceback" not in process.stderr.read()


def test_a_run_that_times_out_has_its_own_exit_code(home: Home) -> None:
    with model_server([say("Half"), HOLD]) as served:
        home.configure(served.configuration() + "\n[limits]\nrun_timeout_seconds = 1.5\n")
        done = home.run("chat", "Hi")
    assert (done.returncode, done.stdout) == (1, "Half\n")
    assert "Failed (run_timeout)" in done.stderr


def test_a_closed_pipe_ends_the_program_silently(home: Home) -> None:
    with model_server([*[say("word " * 2000)] * 200, end()]) as served:
        home.configure(served.configuration())
        with home.start("chat", "Hi") as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.read(5)
            process.stdout.close()
            assert process.wait(30) == 141
            assert process.stderr.read() == b""


FULL = "thinkaloud: Cannot write the output: No space left on device.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        "chat Hi",
        "chat Hi --json",
        "models",
        "models --json",
        "conversations list --json",
        "doctor",
        "--version",
        "--help",
    ],
)
def test_a_full_disk_is_reported_in_one_line(home: Home, arguments: str) -> None:
    full = Path("/dev/full")
    with model_server([say("Tea."), end()]) as served:
        home.configure(served.configuration())
        done = home.run(*arguments.split(), stdout=full)
        assert (done.returncode, done.stderr) == (1, FULL)
        assert home.run(*arguments.split(), stdout=full, stderr=full).returncode == 1


@pytest.mark.parametrize(
    "arguments", ["chat Hi", "models --json", "conversations --help", "--help"]
)
def test_a_closed_output_prints_no_traceback(home: Home, arguments: str) -> None:
    with model_server([say("Tea."), end()]) as served:
        home.configure(served.configuration())
        for closed in (">&-", ">&- 2>&-"):
            done = home.shell(f"{shlex.quote(str(PROGRAM))} {arguments} {closed}")
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "arguments", ["chat Hi", "models --json", "--help", "conversations --help"]
)
def test_a_reader_that_takes_one_line_sees_no_traceback(home: Home, arguments: str) -> None:
    with model_server([*[say("word\n" * 2000)] * 50, end()]) as served:
        home.configure(served.configuration())
        done = home.shell(f"{shlex.quote(str(PROGRAM))} {arguments} | head -1")
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) <= 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.promise("P10")
def test_a_signal_that_ends_the_program_stops_the_run(home: Home, number: signal.Signals) -> None:
    with model_server([say("Half an answer"), HOLD]) as served:
        home.configure(served.configuration())
        with home.start("chat", "Hi") as process:
            assert process.stdout is not None
            got = os.read(process.stdout.fileno(), 100)
            process.send_signal(number)
            _, errors = process.communicate(timeout=30)
        assert process.returncode == 128 + number
        assert (got, errors) == (b"Half an answer", b"")
        (kept,) = json.loads(home.run("conversations", "list", "--json").stdout)
        shown = home.run("conversations", "export", kept["conversation_id"], "--format", "json")
    assert json.loads(shown.stdout)["runs"][0]["status"] == "stopped"


def test_the_demo_is_named_next_to_the_answer_and_in_it(home: Home) -> None:
    home.configure(DEMO)
    done = home.run("chat", "What is 6 * 7?", "--effort", "none")
    assert done.returncode == 0
    assert "**42**" in done.stdout
    assert "demo model" in done.stdout
    assert "`thinkaloud doctor`" in done.stderr


def test_models_are_listed_for_people_and_for_programs(home: Home) -> None:
    with model_server() as served:
        home.configure(served.configuration())
        table = home.run("models").stdout
        entries = json.loads(home.run("models", "--json").stdout)
    assert "*  lab/m" in table
    assert "demo/thinkaloud" in table
    current = [entry["id"] for entry in entries if entry["current"]]
    assert current == ["lab/m"]
    assert set(entries[0]) == set(ModelView.__struct_fields__)


def test_json_events_contain_a_files_name_but_not_its_content(home: Home) -> None:
    notes = home.folder / "notes"
    notes.mkdir()
    (notes / "tea.md").write_text("canary", encoding="utf-8")
    with model_server([say("Yes."), end()]) as served:
        home.configure(served.configuration(workspace=str(notes)))
        done = home.run("chat", "Which?", "--file", "tea.md", "--json")
    first = json.loads(done.stdout.splitlines()[0])
    attachment = {"id": "tea.md", "name": "tea.md", "media_type": "text/plain", "bytes": 6}
    assert first["event"]["attachments"] == [attachment]
    assert "canary" not in done.stdout
