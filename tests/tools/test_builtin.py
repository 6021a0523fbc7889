from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from thinkaloud.errors import ToolError
from thinkaloud.ports.tool import Tool
from thinkaloud.tools import UrlGuard, Workspace, builtin_tools
from thinkaloud.tools.builtin.read_file import MAX_CHARACTERS, MAX_LINES
from thinkaloud.tools.workspace import MAX_ENTRIES

EVERY = ["current_time", "calculate", "list_files", "read_file", "search_files", "fetch_url"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "inside"
    (root / "notes").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "notes" / "today.md").write_text("one\ntwo\nTHREE\n", encoding="utf-8")
    (tmp_path / "secret").write_text("canary", encoding="utf-8")
    return root


@pytest.fixture
def tools(root: Path) -> dict[str, Tool]:
    made = builtin_tools(Workspace(root), lambda: 0.0, fetch=True, guard=UrlGuard())
    return {each.schema.name: each for each in made}


@pytest.mark.parametrize(
    ("with_workspace", "fetch", "names"),
    [
        (False, False, EVERY[:2]),
        (True, False, EVERY[:5]),
        (False, True, [*EVERY[:2], EVERY[5]]),
        (True, True, EVERY),
    ],
)
def test_tools_for_files_and_the_network_exist_only_if_allowed(
    root: Path, with_workspace: bool, fetch: bool, names: list[str]
) -> None:
    made = builtin_tools(Workspace(root) if with_workspace else None, lambda: 0.0, fetch=fetch)
    assert [each.schema.name for each in made] == names


def test_every_tool_describes_itself_and_all_its_parameters(tools: dict[str, Tool]) -> None:
    assert list(tools) == EVERY
    for each in tools.values():
        assert each.schema.description
        assert each.timeout > 0
        Draft202012Validator.check_schema(each.schema.parameters)
        properties = each.schema.parameters["properties"]
        assert isinstance(properties, dict)
        for parameter in properties.values():
            assert parameter["description"]


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("list_files", {}, "empty/\nnotes/"),
        ("list_files", {"folder": "notes"}, "today.md  (14 bytes)"),
        ("list_files", {"folder": "empty"}, "The folder is empty."),
        ("read_file", {"name": "notes/today.md"}, "one\ntwo\nTHREE\n"),
        ("read_file", {"name": "notes/today.md", "lines": 3}, "one\ntwo\nTHREE\n"),
        (
            "read_file",
            {"name": "notes/today.md", "first_line": 2, "lines": 1},
            "two\n[Lines 2 to 2 of 3.]",
        ),
        (
            "read_file",
            {"name": "notes/today.md", "first_line": 3},
            "THREE\n[Lines 3 to 3 of 3.]",
        ),
        ("search_files", {"text": "three"}, "notes/today.md:3: THREE"),
        ("search_files", {"text": "three", "ignore_case": False}, "No matches."),
        (
            "search_files",
            {"text": "o", "glob": "*.md"},
            "notes/today.md:1: one\nnotes/today.md:2: two",
        ),
        ("search_files", {"text": "canary"}, "No matches."),
        ("calculate", {"expression": "6 * 7"}, "42"),
        (
            "current_time",
            {},
            '{"time":"1970-01-01T00:00:00+00:00","weekday":"Thursday","time_zone":"UTC"}',
        ),
    ],
)
async def test_a_tool_does_its_work_without_blocking_the_event_loop(
    nonblocking: None,
    tools: dict[str, Tool],
    name: str,
    arguments: dict[str, object],
    result: str,
) -> None:
    assert await tools[name].call(arguments) == result


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("list_files", {"folder": "../"}, "not a name in the workspace"),
        ("list_files", {"folder": "missing"}, "not found in the workspace"),
        ("list_files", {"folder": 3}, "'folder'"),
        ("read_file", {"name": "../secret"}, "not a name in the workspace"),
        ("read_file", {"name": "/etc/passwd"}, "not a name in the workspace"),
        ("read_file", {"name": "%2e%2e/secret"}, "not found in the workspace"),
        ("read_file", {"name": ".env"}, "not found in the workspace"),
        ("read_file", {"name": "notes"}, "not found in the workspace"),
        ("read_file", {"name": "notes/today.md", "first_line": 4}, "has 3 lines"),
        ("read_file", {"name": "notes/today.md", "first_line": 0}, "'first_line'"),
        ("read_file", {"name": "notes/today.md", "lines": -1}, "'lines'"),
        ("read_file", {"path": "notes/today.md"}, "Allowed: name, first_line, lines"),
        ("search_files", {"text": ""}, "text must have"),
        ("search_files", {"text": "x", "glob": "\n"}, "glob must have"),
        ("search_files", {}, "'text'"),
        ("fetch_url", {"url": "http://127.0.0.1/"}, "could not be reached"),
        ("fetch_url", {"url": "file:///etc/passwd"}, "Only http"),
        ("fetch_url", {}, "'url'"),
    ],
)
async def test_a_tool_refuses_with_a_message_that_the_model_can_act_on(
    nonblocking: None,
    tools: dict[str, Tool],
    name: str,
    arguments: dict[str, object],
    expected: str,
) -> None:
    with pytest.raises(ToolError) as caught:
        await tools[name].call(arguments)
    assert expected in caught.value.message


async def test_truncated_output_has_a_note(root: Path, tools: dict[str, Tool]) -> None:
    (root / "long").write_text("x\n" * (MAX_LINES + 1), encoding="utf-8")
    (root / "wide").write_text("y" * (MAX_CHARACTERS + 1), encoding="utf-8")
    for number in range(MAX_ENTRIES + 1):
        (root / "empty" / f"n{number}").touch()
    read = tools["read_file"].call
    assert (await read({"name": "long"})).endswith(f"x\n[Lines 1 to {MAX_LINES} of 2001.]")
    assert (await read({"name": "wide"})).endswith(
        f"y\n[Lines 1 to 1 of 1. Cut after {MAX_CHARACTERS} characters.]"
    )
    assert (await tools["list_files"].call({"folder": "empty"})).endswith("there are more.")
    assert "may be more" in await tools["search_files"].call({"text": "x"})
