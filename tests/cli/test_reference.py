"""The reference of the command line lists every command, option and exit code that there is."""

import re

from scripts.tree import ROOT
from tests.cli.program import Home
from thinkaloud.cli.exits import ExitCode

REFERENCE = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
COMMANDS = ("serve", "chat", "models", "doctor")


def test_every_exit_code_is_documented_and_no_other() -> None:
    documented = re.findall(r"^\| (\d+) \|", REFERENCE.partition("## Exit codes")[2], re.MULTILINE)
    assert [int(code) for code in documented] == [code.value for code in ExitCode]


def test_every_command_and_option_is_documented_and_no_other(home: Home) -> None:
    offered = re.findall(r"^│ (\w+) ", home.run("--help").stdout, re.MULTILINE)
    assert set(offered) == set(COMMANDS)
    for command in COMMANDS:
        section = re.split(
            r"^## ", REFERENCE.partition(f"## `thinkaloud {command}")[2], flags=re.MULTILINE
        )
        common = {"--config", "--help"}
        helped = set(re.findall(r"--[a-z]+(?:-[a-z]+)*", home.run(command, "--help").stdout))
        assert helped - common == set(re.findall(r"--[a-z]+(?:-[a-z]+)*", section[0])) - common
