"""A configuration file in the working directory starts programs only after it was trusted."""

from pathlib import Path

import pytest

from thinkaloud.config import Configuration, load, trust_file
from thinkaloud.errors import ConfigurationError

MCP = '[model]\nreasoning_effort = "low"\n[mcp.notes]\ncommand = "notes-server"\n'


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"THINKALOUD_DATA_DIR": str(tmp_path / "data")}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    (project / "thinkaloud.toml").write_text(MCP, encoding="utf-8")
    return project / "thinkaloud.toml"


def servers(configuration: Configuration) -> list[str]:
    return list(configuration.settings.mcp)


def test_a_file_in_the_working_directory_starts_nothing_until_it_is_trusted(
    file: Path, environment: dict[str, str]
) -> None:
    before = load(environment=environment)
    assert servers(before) == []
    assert before.settings.model.reasoning_effort == "low"
    assert "[mcp] was ignored" in before.notices[0]
    assert "thinkaloud config trust" in before.notices[0]
    assert trust_file(file, environment) == ["mcp"]
    after = load(environment=environment)
    assert servers(after) == ["notes"]
    assert after.notices == ()


def test_a_trusted_file_that_changes_has_to_be_trusted_again(
    file: Path, environment: dict[str, str]
) -> None:
    trust_file(file, environment)
    file.write_text(MCP.replace("notes-server", "rm"), encoding="utf-8")
    assert servers(load(environment=environment)) == []


def test_a_file_that_is_named_is_trusted(file: Path, environment: dict[str, str]) -> None:
    assert servers(load(file, environment=environment)) == ["notes"]


def test_a_copy_of_a_trusted_file_in_another_place_is_not_trusted(
    file: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trust_file(file, environment)
    other = file.parent / "other"
    other.mkdir()
    (other / "thinkaloud.toml").write_text(MCP, encoding="utf-8")
    monkeypatch.chdir(other)
    assert servers(load(environment=environment)) == []


@pytest.mark.parametrize(
    ("section", "wrong"),
    [
        ("[mcp.a__b]\ncommand = 'x'", "not contain `__`"),
        ("[mcp.a_]\ncommand = 'x'", "not end with `_`"),
        ("[mcp.a]\n", "mcp.a: set either `command` or `url`"),
        ("[mcp.a]\ncommand = 'x'\nurl = 'http://y'", "mcp.a: set either `command` or `url`"),
        ("[mcp.a]\nurl = 'file:///etc'", "must start with http"),
        ("[mcp.a]\nurl = 'http://y'\nargs = ['z']", "`args` can only be used with `command`"),
        ("[mcp.a]\ncommand = 'x'\nheaders_env = {A = 'B'}", "can only be used with `url`"),
        ("[mcp.a]\ncommand = 'x'\napproval = 'no'", "mcp.a.approval"),
        ("[mcp.a]\ncommand = 'x'\nextra = 1", "mcp.a.extra: unknown setting"),
    ],
)
def test_a_wrong_section_is_refused_with_its_key(
    file: Path, environment: dict[str, str], section: str, wrong: str
) -> None:
    file.write_text(section, encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        load(file, environment=environment)
    assert wrong in raised.value.message
