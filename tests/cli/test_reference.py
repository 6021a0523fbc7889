"""The command line reference lists every command, option and exit code."""

import re

from scripts.tree import ROOT
from tests.cli.program import Home
from thinkaloud.cli.exit_codes import ExitCode

REFERENCE = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
COMMANDS = {
    *("serve", "chat", "models", "doctor", "conversations", "channels", "keys", "audit", "owners"),
    *("acp", "whoami", "mcp", "config"),
    *("export", "import", "migrate"),
}
BELOW_CONVERSATIONS = {
    *("list", "search", "show", "rename", "delete", "export", "branch"),
    *("versions", "select", "regenerate", "edit"),
}
BELOW_KEYS = {"create", "list", "edit", "rotate", "revoke"}
BELOW_OWNERS = {"list", "rename", "delete"}
BELOW_MCP = {"list", "test"}
BELOW_CONFIG = {"trust"}
BELOW_CHANNELS = {"list", "add", "test", "login", "pair", "unpair", "people"}


def test_every_exit_code_is_documented_and_no_other() -> None:
    documented = re.findall(r"^\| (\d+) \|", REFERENCE.partition("## Exit codes")[2], re.MULTILINE)
    assert [int(code) for code in documented] == [code.value for code in ExitCode]


def offered(home: Home, *group: str) -> set[str]:
    listed = home.run(*group, "--help").stdout.partition("Commands:")[2]
    assert "..." not in listed  # Each is described in a sentence that has room.
    return set(re.findall(r"^  (\w+) ", listed, re.MULTILINE))


def options(text: str) -> set[str]:
    return set(re.findall(r"--[a-z]+(?:-[a-z]+)*", text)) - {"--config", "--help"}


def test_every_command_and_option_is_documented_and_no_other(home: Home) -> None:
    assert offered(home) == COMMANDS
    assert offered(home, "conversations") == BELOW_CONVERSATIONS
    assert offered(home, "channels") == BELOW_CHANNELS
    assert offered(home, "keys") == BELOW_KEYS
    assert offered(home, "owners") == BELOW_OWNERS
    assert offered(home, "mcp") == BELOW_MCP
    assert offered(home, "config") == BELOW_CONFIG
    groups = {"conversations", "channels", "keys", "owners", "mcp", "config"}
    commands = [(name,) for name in COMMANDS - groups]
    commands += [("mcp", name) for name in BELOW_MCP]
    commands += [("config", name) for name in BELOW_CONFIG]
    commands += [("conversations", name) for name in BELOW_CONVERSATIONS]
    commands += [("channels", name) for name in BELOW_CHANNELS]
    commands += [("keys", name) for name in BELOW_KEYS]
    commands += [("owners", name) for name in BELOW_OWNERS]
    for command in commands:
        heading = f"# `thinkaloud {' '.join(command)}"
        rest = REFERENCE.partition(heading)[2]
        assert rest, heading
        section = re.split(r"^##", rest, flags=re.MULTILINE)[0]
        helped = options(home.run(*command, "--help").stdout)
        assert helped == options(section), command
