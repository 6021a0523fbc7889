"""The configuration: where it comes from, what lies over what, and how it says no."""

from pathlib import Path

import pytest

from thinkaloud.config import load
from thinkaloud.errors import ConfigurationError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "thinkaloud.toml"


def test_without_anything_the_defaults_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    configuration = load(environment={"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)})

    assert (configuration.settings.server.host, configuration.settings.server.port) == (
        "127.0.0.1",
        8484,
    )
    assert configuration.settings.model.default is None


def test_the_contracts_example_is_read(file: Path) -> None:
    file.write_text(
        """
        [server]
        host = "127.0.0.1"
        port = 8484
        workspace = "~/notes"

        [model]
        default = "lab/qwen3"
        reasoning_effort = "medium"

        [hosts.lab]
        dialect = "openai-chat"
        base_url = "http://127.0.0.1:9000/v1"
        api_key_env = "LAB_API_KEY"
        models = ["qwen3"]
        """,
        encoding="utf-8",
    )
    settings = load(file, environment={}).settings

    assert settings.hosts["lab"].models == ("qwen3",)
    assert settings.model.reasoning_effort == "medium"


def test_the_environment_lies_over_the_file_and_options_over_both(file: Path) -> None:
    file.write_text('[server]\nport = 1\nhost = "::1"\n[limits]\nidle_timeout = 9\n', "utf-8")
    environment = {
        "THINKALOUD_SERVER__PORT": "2",
        "THINKALOUD_LIMITS__RUN_TIMEOUT": "7.5",
        "THINKALOUD_HOSTS__LAB__MODELS": '["a", "b"]',
        "THINKALOUD_MODEL__REASONING_EFFORT": "2048",
        "THINKALOUD_TOOLS__FETCH": "true",
    }
    settings = load(file, environment=environment, overrides={"server": {"port": 3}}).settings

    assert (settings.server.port, settings.server.host) == (3, "::1")
    assert (settings.limits.idle_timeout, settings.limits.run_timeout) == (9, 7.5)
    assert settings.hosts["lab"].models == ("a", "b")
    assert settings.model.reasoning_effort == 2048
    assert settings.tools.fetch is True


def test_data_lie_where_the_environment_says(tmp_path: Path) -> None:
    assert load(environment={"THINKALOUD_DATA_DIR": str(tmp_path)}).data_dir == tmp_path


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[server]\nport = 'x'", ["thinkaloud.toml", "server.port", "int"]),
        ("[server]\nprot = 1", ["thinkaloud.toml", "server.prot", "no such setting", "port"]),
        ("[servre]\nport = 1", ["servre", "no such setting", "server"]),
        ("[model]\nreasoning_effort = 'huge'", ["model.reasoning_effort", "none, minimal, low"]),
        ("[hosts.lab]\ndialect = 'telepathy'", ["hosts.lab.dialect", "openai-chat"]),
        ("[server]\nshow_reasoning = 'maybe'", ["server.show_reasoning", "allow, deny"]),
        ("[server\nport = 1", ["thinkaloud.toml", "not valid TOML"]),
        ("[store]\nretention_days = 0", ["store.retention_days", "> 0"]),
        ("[store]\nretention_days = -1.0", ["store.retention_days", "> 0"]),
        ("[store]\nflush_interval = -0.1", ["store.flush_interval", ">= 0"]),
        ("[limits]\nstop_detached_after = -1.0", ["limits.stop_detached_after", ">= 0"]),
    ],
)
def test_a_wrong_value_names_the_file_the_key_and_what_is_allowed(
    file: Path, toml: str, words: list[str]
) -> None:
    file.write_text(toml, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load(file, environment={})

    assert [word for word in words if word not in str(caught.value)] == []


def test_a_wrong_variable_is_named(file: Path) -> None:
    file.write_text("", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"THINKALOUD_SERVER__PORT: server\.port"):
        load(file, environment={"THINKALOUD_SERVER__PORT": "many"})
    with pytest.raises(ConfigurationError, match="THINKALOUD_HOSTS__LAB__MODELS"):
        load(file, environment={"THINKALOUD_HOSTS__LAB__MODELS": "[broken"})


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no configuration file .*nowhere\.toml"):
        load(tmp_path / "nowhere.toml", environment={})
