"""Adding a section to a configuration file leaves the rest unchanged."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkaloud.cli.commands.channels.config_text import add_section
from thinkaloud.errors import Conflict, InvalidRequest

FILE = """# My server
[server]   # the usual port
port=8484

[channels.slack]
allow_from = [ "U1", ] # me
"""

printable = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=20
) | st.sampled_from(
    ["", 'a "quoted" \\ path', "[x]\ny".replace("\n", " "), "# no comment", "日本語"]
)
values = st.dictionaries(
    st.sampled_from(["model", "owner", "system_prompt", "enabled", "allow_from"]),
    printable | st.booleans() | st.lists(printable, max_size=3),
)


@given(values)
def test_values_are_read_back_and_the_rest_stays_byte_for_byte(
    given_values: dict[str, str | bool | list[str]],
) -> None:
    text = add_section(FILE, "telegram", given_values)
    assert text.startswith(FILE)
    read = tomllib.loads(text)
    assert read["channels"].pop("telegram") == given_values
    assert read == tomllib.loads(FILE)


@pytest.mark.parametrize("text", ["", "# no newline at the end", "a = 1", "[channels]\n"])
def test_a_section_is_added_to_any_file(text: str) -> None:
    added = add_section(text, "matrix", {"enabled": True, "user_id": "@bot:example.org"})
    assert added.startswith(text)
    section = {"enabled": True, "user_id": "@bot:example.org"}
    assert tomllib.loads(added)["channels"]["matrix"] == section


def test_an_existing_section_is_never_changed() -> None:
    with pytest.raises(Conflict, match=r"\[channels\.slack\] exists already"):
        add_section(FILE, "slack", {})


def test_an_inline_table_is_refused_with_what_to_write_instead() -> None:
    with pytest.raises(InvalidRequest, match="inline table"):
        add_section("channels = { slack = { enabled = true } }\n", "matrix", {})


@pytest.mark.parametrize("value", ["two\nlines", "\x1b[31m", "\x7f"])
def test_a_value_with_control_characters_is_refused(value: str) -> None:
    with pytest.raises(InvalidRequest, match="control characters"):
        add_section("", "matrix", {"user_id": value})
