"""`thinkaloud mcp` and `thinkaloud config trust`, as a user runs them."""

import json
import sys

from tests.cli.program import DEMO, Home
from tests.tools.mcp.opened import ROGUE


def configured(home: Home, *how: str) -> None:
    home.configure(
        f"{DEMO}[mcp.notes]\ncommand = {json.dumps(sys.executable)}\nprotocol = 'legacy'\n"
        f"args = {json.dumps([ROGUE, *how])}\n"
    )


def test_the_servers_of_a_working_directory_are_started_after_it_was_trusted(home: Home) -> None:
    configured(home, "malformed")
    refused = home.run("mcp", "test")
    assert refused.stdout == ""
    assert "[mcp] was ignored" in refused.stderr
    trusted = home.run("config", "trust")
    assert trusted.returncode == 0
    assert trusted.stdout.endswith("Sections that can start programs: [mcp].\n")
    tested = home.run("mcp", "test")
    assert tested.returncode == 0
    lines = tested.stdout.splitlines()
    assert lines[0] == "✓ notes: rogue 1, protocol 2025-06-18, 4 tools"
    assert lines[1:3] == ["  notes__echo, approval: ask", "    Repeat a text."]
    assert "(its own name: with.dots/and spaces)" in tested.stdout
    assert "  ! the tool 'no_schema' was left out: its inputSchema is not an object" in lines


def test_the_list_shows_the_tools_of_the_last_time_without_connecting(home: Home) -> None:
    configured(home)
    home.run("config", "trust")
    assert "run `thinkaloud mcp test notes`" in home.run("mcp", "list").stdout
    home.run("mcp", "test")
    listed = json.loads(home.run("mcp", "list", "--json").stdout)
    assert [(each["name"], each["tools"]) for each in listed] == [("notes", ["notes__echo"])]


def test_a_server_that_cannot_be_used_fails_the_test_with_its_own_words(home: Home) -> None:
    configured(home, "exits")
    home.run("config", "trust")
    tested = home.run("mcp", "test", "notes")
    assert tested.returncode == 1
    assert tested.stdout.startswith("✗ notes: ")
    assert "the licence has expired" in tested.stdout
    report = json.loads(home.run("doctor", "--json").stdout)
    problems = [each for each in report["problems"] if each.startswith("mcp.notes: ")]
    assert len(problems) == 1
    assert "the licence has expired" in problems[0]
    unknown = home.run("mcp", "test", "nothing")
    assert unknown.returncode != 0
    assert "There is no MCP server 'nothing'. Configured: notes." in unknown.stderr
