"""Redaction from the configuration, from packages, and in the Python API."""

from pathlib import Path
from uuid import uuid4

import pytest

from thinkaloud import Agent
from thinkaloud.app.redaction import redaction_of
from thinkaloud.app.runtime import Choices, open_runtime
from thinkaloud.config import Configuration, load
from thinkaloud.errors import ConfigurationError
from thinkaloud.testing import ScriptedModel, say, think

SECRET = "sk-ant-api03-Y2FuYXJ5LWNhbmFyeQ-4711"


def configured(folder: Path, text: str) -> Configuration:
    file = folder / "thinkaloud.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environment={"THINKALOUD_DATA_DIR": str(folder / "data")})


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Install a package with redactors. Its module has a name of its own, because it stays imported."""
    module = f"acme_{uuid4().hex}"
    metadata = folder / "acme_redactors-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: acme-redactors\nVersion: 1.0\n"
    )
    (metadata / "entry_points.txt").write_text(f"[thinkaloud.redactors]\nacme = {module}:RULES\n")
    (folder / f"{module}.py").write_text(code)
    monkeypatch.syspath_prepend(str(folder))


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(a+)+", "can take exponential time"),
        (r"(\\w+\\s?)*x", "can take exponential time"),
        ("(", "is not a regular expression"),
        (r"(a)\\1", "has a reference to a group"),
    ],
)
async def test_the_server_does_not_start_with_a_pattern_that_it_cannot_use(
    tmp_path: Path, pattern: str, reason: str
):
    configuration = configured(tmp_path, f'[redaction.patterns]\nmine = "{pattern}"\n')

    with pytest.raises(ConfigurationError, match=rf"toml: redaction\.patterns\.mine: .*{reason}"):
        async with open_runtime(configuration, Choices(model=ScriptedModel())):
            pass


def test_a_name_that_does_not_fit_into_a_marker_is_refused(tmp_path: Path):
    configuration = configured(tmp_path, '[redaction.patterns]\n"My key" = "x"\n')

    with pytest.raises(ConfigurationError, match=r"redaction\.patterns\.'My key' is not a name"):
        redaction_of(configuration)


def test_patterns_of_the_configuration_and_of_packages_are_redacted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    installed(
        tmp_path,
        monkeypatch,
        "from thinkaloud.core.redaction.rule import Rule\n"
        "RULES = [Rule('even', r'no\\d{2,5}', lambda text: int(text[2:]) % 2 == 0, not_before='0123456789')]\n",
    )
    redaction = redaction_of(configured(tmp_path, "[redaction.patterns]\nemployee = 'EMP-\\d+'\n"))

    text = redaction.redactor.redact(f"EMP-7 no12 no13 {SECRET}")
    assert text == "[redacted:employee] [redacted:even] no13 [redacted:provider_key]"


@pytest.mark.parametrize(
    "code",
    [
        "RULES = ['no rule']",
        "RULES = 7",
        "raise OSError",
        "from thinkaloud.core.redaction.rule import Rule\nRULES = [Rule('x', '(a+)+')]",
    ],
)
def test_a_package_with_broken_redactors_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
):
    installed(tmp_path, monkeypatch, code)

    with pytest.raises(ConfigurationError, match="RULES of acme-redactors can't be used"):
        redaction_of(configured(tmp_path, ""))


async def test_the_python_api_gets_redacted_reasoning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    configured(tmp_path, '[server]\nshow_reasoning = "redact"\n')
    model = ScriptedModel([think("Key ", SECRET[:7], SECRET[7:]), say("Hi.")])

    async with Agent(model=model) as agent:
        chunks = [chunk async for chunk in agent.stream("Hi", include_reasoning=True)]
        (kept,) = await agent.list_conversations()
        history = await agent.get_conversation_history(kept.conversation_id)

    text = "".join(chunk for kind, chunk in chunks if kind == "reasoning")
    assert text == history.runs[0].reasoning == "Key [redacted:provider_key]"
