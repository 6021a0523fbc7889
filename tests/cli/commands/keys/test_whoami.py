"""`thinkaloud whoami`: the identity that the terminal uses, as text and as JSON."""

import re

import pytest

from tests.cli.commands.keys.test_keys import KEYS, printed, serving
from tests.cli.program import DEMO, Home

LIMITED = (
    *("--models", "demo/*", "--max-effort", "medium", "--reasoning", "redact", "--expires", "30d"),
    *("--requests-per-minute", "5", "--tokens-per-day", "9000"),
)


def words(home: Home) -> dict[str, str]:
    """The lines that it prints, by their titles."""
    run = home.run("whoami")
    assert run.returncode == 0, run.stderr
    found: dict[str, str] = {}
    for line in run.stdout.splitlines():
        title, _, text = line.partition("  ")
        found[title] = " / ".join(filter(None, [found.get(title), text.strip()]))
    return found


def test_a_key_is_described_with_its_remaining_limits(home: Home) -> None:
    home.configure(KEYS)
    with serving(home):
        key = printed(home, "keys", "create", "phone", "--owner", "ada", *LIMITED)
        home.environment["THINKALOUD_API_KEY"] = key["key"]
        assert home.run("chat", "Hello").returncode == 0
        output = words(home)
        found = printed(home, "whoami")
    assert output["Key"].startswith(f"{key['id']} (phone, expires ")
    assert (output["Owner"], output["Role"], output["Scopes"]) == ("ada", "user", "chat, read")
    assert (output["Models"], output["Effort"], output["Reasoning"]) == (
        *("demo/*", "up to medium", "redacted"),
    )
    limits = output["Limit of the key"]
    assert re.fullmatch(
        r"4 of 5 requests left this minute / \d,\d{3} of 9,000 tokens left today \(UTC\)", limits
    )
    assert (found["owner"], found["key_id"], found["mode"]) == ("ada", key["id"], "keys")
    assert found["limits"][0]["remaining"]["requests_per_minute"] == 4


@pytest.mark.parametrize(
    ("settings", "is_running", "key"),
    [
        (KEYS, True, "the server's local key"),
        (DEMO, True, "none: the server requires none"),
        (KEYS, False, "none: no server is running, and the terminal opens the data directory"),
    ],
)
def test_without_a_key_of_its_own_the_terminal_is_the_operator(
    home: Home, settings: str, is_running: bool, key: str
) -> None:
    home.configure(settings)
    if is_running:
        with serving(home):
            output = words(home)
    else:
        output = words(home)
    assert output["Key"].startswith(key)
    assert (output["Owner"], output["Role"], output["Models"]) == ("local", "admin", "all")


def test_a_wrong_key_is_an_error(home: Home) -> None:
    home.configure(KEYS)
    with serving(home):
        home.environment["THINKALOUD_API_KEY"] = "ta_abc_wrong"
        refused = home.run("whoami")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "Check THINKALOUD_API_KEY" in refused.stderr
