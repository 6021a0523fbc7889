"""The `[auth]` section: what refuses to load."""

from pathlib import Path

import pytest

from thinkaloud.config import Settings, load
from thinkaloud.errors import ConfigurationError

PROXY = 'mode = "proxy"\ntrusted_proxies = ["10.0.0.1"]\nuser_header = "X-User"\n'


def loaded(folder: Path, text: str) -> Settings:
    file = folder / "thinkaloud.toml"
    file.write_text(f"[auth]\n{text}")
    return load(file, environment={}).settings


def test_without_a_section_no_credentials_are_needed(tmp_path: Path) -> None:
    assert loaded(tmp_path, "").auth.mode == "off"


def test_owners_and_roles_have_limits_of_their_own(tmp_path: Path) -> None:
    auth = loaded(
        tmp_path,
        'mode = "keys"\n[auth.owners.ada]\ntokens_per_day = 5\n'
        '[auth.roles.user]\nreasoning = "redact"\nconcurrent_runs = 2\n',
    ).auth
    assert auth.owners["ada"].tokens_per_day == 5
    assert auth.roles["user"].reasoning == "redact"
    assert auth.roles["user"].concurrent_runs == 2


def test_a_proxy_on_an_address_of_its_own_needs_no_secret(tmp_path: Path) -> None:
    assert loaded(tmp_path, PROXY).auth.user_header == "X-User"


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "*", "proxy.example", "10.0.0.1/8"])
def test_a_proxy_range_that_is_open_or_invalid_refuses_to_load(
    tmp_path: Path, network: str
) -> None:
    with pytest.raises(ConfigurationError, match="trusted_proxies"):
        loaded(tmp_path, f'mode = "proxy"\ntrusted_proxies = ["{network}"]\nuser_header = "X-User"')


@pytest.mark.parametrize("network", ["127.0.0.1", "127.0.0.0/8", "::1", "100.64.0.7", "64.0.0.0/2"])
def test_a_proxy_range_that_others_share_requires_a_secret(tmp_path: Path, network: str) -> None:
    text = PROXY.replace("10.0.0.1", network)
    with pytest.raises(ConfigurationError, match="proxy_secret_env is required"):
        loaded(tmp_path, text)
    assert loaded(tmp_path, f'{text}proxy_secret_env = "SECRET"').auth.mode == "proxy"


@pytest.mark.parametrize("missing", ["trusted_proxies", "user_header"])
def test_the_proxy_mode_requires_its_two_settings(tmp_path: Path, missing: str) -> None:
    text = "".join(f"{line}\n" for line in PROXY.splitlines() if not line.startswith(missing))
    with pytest.raises(ConfigurationError, match="requires trusted_proxies and user_header"):
        loaded(tmp_path, text)


@pytest.mark.parametrize("header", ["Authorization", "Cookie", "X User", "X-Role"])
def test_a_user_header_that_means_something_else_refuses_to_load(
    tmp_path: Path, header: str
) -> None:
    text = PROXY.replace('"X-User"', f'"{header}"\nrole_header = "X-Role"')
    with pytest.raises(ConfigurationError, match="header"):
        loaded(tmp_path, text)


@pytest.mark.parametrize(
    "wrong",
    [
        'mode = "basic"',
        "[auth.roles.guest]\nconcurrent_runs = 1",
        "[auth.owners.ada]\nconcurrent_runs = -1",
        "[auth.owners.ada]\nrequests = 1",
    ],
)
def test_other_modes_roles_and_limits_refuse_to_load(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(ConfigurationError, match="auth"):
        loaded(tmp_path, wrong)
