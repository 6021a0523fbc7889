"""The configuration: its sources, their precedence, and its errors."""

from pathlib import Path

import msgspec
import pytest

from thinkaloud.config import Settings, load
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


def test_the_environment_overrides_the_file_and_options_override_both(file: Path) -> None:
    file.write_text(
        '[server]\nport = 1\nhost = "::1"\n[limits]\nidle_timeout_seconds = 9\n', "utf-8"
    )
    environment = {
        "THINKALOUD_SERVER__PORT": "2",
        "THINKALOUD_LIMITS__RUN_TIMEOUT_SECONDS": "7.5",
        "THINKALOUD_HOSTS__LAB__MODELS": '["a", "b"]',
        "THINKALOUD_MODEL__REASONING_EFFORT": "2048",
        "THINKALOUD_TOOLS__FETCH": "true",
    }
    settings = load(file, environment=environment, overrides={"server": {"port": 3}}).settings

    assert (settings.server.port, settings.server.host) == (3, "::1")
    assert (settings.limits.idle_timeout_seconds, settings.limits.run_timeout_seconds) == (9, 7.5)
    assert settings.hosts["lab"].models == ("a", "b")
    assert settings.model.reasoning_effort == 2048
    assert settings.tools.fetch is True


def test_old_keys_without_a_unit_still_work_and_are_reported(file: Path) -> None:
    file.write_text("[limits]\nrun_timeout = 7\nidle_timeout = 5\n", "utf-8")
    environment = {
        "THINKALOUD_LIMITS__IDLE_TIMEOUT": "6",
        "THINKALOUD_STORE": '{"busy_timeout": 2, "flush_interval_seconds": 1}',
    }
    configuration = load(file, environment=environment)
    limits, store = configuration.settings.limits, configuration.settings.store

    assert (limits.run_timeout_seconds, limits.idle_timeout_seconds) == (7, 6)
    assert (store.busy_timeout_seconds, store.flush_interval_seconds) == (2, 1)
    assert configuration.notices == (
        f"{file}: `limits.idle_timeout` is deprecated: rename it to `idle_timeout_seconds`.",
        f"{file}: `limits.run_timeout` is deprecated: rename it to `run_timeout_seconds`.",
        "THINKALOUD_LIMITS__IDLE_TIMEOUT: `limits.idle_timeout` is deprecated:"
        " rename it to `idle_timeout_seconds`.",
        "THINKALOUD_STORE: `store.busy_timeout` is deprecated:"
        " rename it to `busy_timeout_seconds`.",
    )


def test_a_deprecated_key_yields_to_the_new_one_but_overrides_the_layer_below(file: Path) -> None:
    file.write_text("[limits]\nrun_timeout = 7\nrun_timeout_seconds = 8\n", "utf-8")
    old = {"THINKALOUD_LIMITS__RUN_TIMEOUT": "9"}

    assert load(file, environment={}).settings.limits.run_timeout_seconds == 8
    assert load(file, environment=old).settings.limits.run_timeout_seconds == 9


def test_a_wrong_value_of_an_old_key_names_the_key_that_was_written(file: Path) -> None:
    file.write_text("", "utf-8")
    with pytest.raises(
        ConfigurationError, match=r"THINKALOUD_STORE__BUSY_TIMEOUT: store\.busy_timeout: "
    ):
        load(file, environment={"THINKALOUD_STORE__BUSY_TIMEOUT": "long"})


def test_keys_that_are_times_or_sizes_end_in_their_unit() -> None:
    """Every number with a fraction is a time, and every time says its unit."""
    units = ("_seconds", "_days")
    unnamed = [
        f"{section}.{field.name}"
        for section in ("server", "limits", "store")
        for field in msgspec.structs.fields(type(getattr(Settings(), section)))
        if "float" in str(field.type) and not field.name.endswith(units)
    ]
    assert unnamed == []


def test_the_environment_sets_the_data_directory(tmp_path: Path) -> None:
    assert load(environment={"THINKALOUD_DATA_DIR": str(tmp_path)}).data_dir == tmp_path


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[server]\nport = 'x'", ["thinkaloud.toml", "server.port", "int"]),
        ("[server]\nprot = 1", ["thinkaloud.toml", "server.prot", "unknown setting", "port"]),
        ("[servre]\nport = 1", ["servre", "unknown setting", "server"]),
        ("[model]\nreasoning_effort = 'huge'", ["model.reasoning_effort", "none, minimal, low"]),
        ("[hosts.lab]\ndialect = 'telepathy'", ["hosts.lab.dialect", "openai-chat"]),
        ("[server]\nshow_reasoning = 'maybe'", ["server.show_reasoning", "allow, redact, deny"]),
        ("[server\nport = 1", ["thinkaloud.toml", "not valid TOML"]),
        ("[store]\nretention_days = 0", ["store.retention_days", "> 0"]),
        ("[store]\nretention_days = -1.0", ["store.retention_days", "> 0"]),
        ("[store]\nflush_interval_seconds = -0.1", ["store.flush_interval_seconds", ">= 0"]),
        (
            "[limits]\nstop_detached_after_seconds = -1",
            ["limits.stop_detached_after_seconds", ">= 0"],
        ),
        ("[limits]\nstop_detached_after = -1.0", ["limits.stop_detached_after: ", ">= 0"]),
    ],
)
def test_an_invalid_value_is_reported_with_file_key_and_allowed_values(
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


def test_a_given_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"Configuration file not found: .*nowhere\.toml"):
        load(tmp_path / "nowhere.toml", environment={})
