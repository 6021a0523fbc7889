"""Secrets in a text that arrives in pieces."""

import sys
from collections.abc import Sequence
from itertools import pairwise
from types import FrameType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from thinkaloud.core.redaction.automaton import Automaton
from thinkaloud.core.redaction.redactor import MAX_BLOCK, MAX_HELD, Redactor
from thinkaloud.core.redaction.rule import Rule, has_check_digit

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC=\n-----END RSA PRIVATE KEY-----"
SECRETS = {
    "sk-ant-api03-Zm9vYmFyYmF6cXV4-AA": "provider_key",
    "sk-proj-abcdefghijklmnopqrstuvwx": "provider_key",
    "sk-0123456789abcdef0123456789abcdef": "provider_key",
    "sk-or-v1-0123456789abcdef0123456789": "provider_key",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv": "provider_key",
    "AKIAIOSFODNN7EXAMPLE": "provider_key",
    "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY": "provider_key",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345": "provider_key",
    "github_pat_11ABCDEFG0123456789_abcdef": "provider_key",
    "xoxb-123456789012-abcdefABCDEF": "provider_key",
    "hf_abcdefghijklmnopqrstuvwxyzABCDEFGH": "provider_key",
    "gsk_abcdefghijklmnopqrstuvwxyz0123": "provider_key",
    "1234567890:AAabcdefghijklmnopqrstuvwxyz0123456": "provider_key",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P": "token",
    "Bearer 0f4c2a9e7d1b4e3f": "token",
    "ta_k3y1d_c2VjcmV0LXNlY3JldC1zZWNyZXQ": "thinkaloud_key",
    "4111 1111 1111 1111": "card_number",
    "5555-5555-5555-4444": "card_number",
    "378282246310005": "card_number",
    PEM: "private_key",
}
PATTERNS = (Rule("employee", r"\bEMP-\d{4,8}\b"), Rule("project", r"prj_[a-z]+"))
PLAIN = Redactor()
CUSTOM = Redactor(PATTERNS)


def redacted(redactor: Redactor, pieces: Sequence[str]) -> str:
    """Redact a text that arrives in these pieces."""
    stream = redactor.stream()
    found: list[str] = []
    for piece in pieces:
        found += [text for _, _, text in stream.feed(piece)]
        assert len(stream.held) <= MAX_HELD
    return "".join([*found, *[text for _, _, text in stream.end()]])


def split(text: str, cuts: Sequence[int]) -> list[str]:
    """Split a text at these places."""
    edges = sorted({0, len(text), *[cut % (len(text) + 1) for cut in cuts]})
    return [text[start:stop] for start, stop in pairwise(edges)]


cuts = st.lists(st.integers(0, 10_000), max_size=60)


@pytest.mark.parametrize(("secret", "kind"), SECRETS.items())
def test_a_secret_is_replaced_by_its_kind(secret: str, kind: str):
    assert PLAIN.redact(f"It is {secret}, right?") == f"It is [redacted:{kind}], right?"
    assert PLAIN.redact(f"key={secret}") == f"key=[redacted:{kind}]"


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_redacted_whatever_pieces_it_arrives_in(secret: str):
    text = f"Use {secret} now."
    expected = f"Use [redacted:{SECRETS[secret]}] now."

    assert redacted(PLAIN, list(text)) == expected
    for cut in range(1, len(text)):
        assert redacted(PLAIN, [text[:cut], text[cut:]]) == expected


@given(
    st.lists(
        st.sampled_from(
            [*SECRETS, "EMP-12345", "prj_abc", "sk-", "4111 ", "e", " ", "ä", "-----BEGIN ", "\n"]
        )
    ),
    cuts,
)
def test_the_result_does_not_depend_on_where_the_text_is_split(words: list[str], places: list[int]):
    text = "".join(words)

    assert redacted(CUSTOM, split(text, places)) == CUSTOM.redact(text)


@given(st.text(), st.sampled_from(list(SECRETS)), st.text(), cuts)
@example("", PEM, "", [20, 70])
def test_no_secret_survives_between_any_other_text(
    before: str, secret: str, after: str, places: list[int]
):
    text = f"{before} {secret} {after}"

    assert secret not in redacted(PLAIN, split(text, places))


@given(st.from_regex(r"([A-Za-z]{1,12}[ ,.:;'\n-]{1,2}){1,30}", fullmatch=True), cuts)
@example(
    "a task-force-of-people-who-disk-format and bearer of good-news-to-everyone-everywhere", []
)
@example("Timestamps such as 1767225600000, and 12345 or 4111 1111 1111 1112.", [])
@example("In 2024-03-05, 3.14159265358979 and 555-0123.", [7, 8, 9])
def test_ordinary_text_is_unchanged(text: str, places: list[int]):
    assert redacted(PLAIN, split(text, places)) == text


@given(
    st.lists(
        st.sampled_from([" the", "ing", ". ", "The", " 17", ",", "wonder", "\n\n", " x=y", "日本"])
    )
)
def test_a_delta_in_which_no_secret_begins_is_not_delayed(deltas: list[str]):
    stream = PLAIN.stream()

    for delta in deltas:
        assert "".join(text for _, _, text in stream.feed(f"{delta}!")) == f"{delta}!"


def test_text_is_held_only_while_it_could_be_a_secret():
    stream = PLAIN.stream()

    seen = [
        ["".join(text for _, _, text in stream.feed(delta)), stream.held]
        for delta in ("The", " s", "k", "-", "an", "d", " more")
    ]

    assert seen == [
        ["The", ""],
        [" ", "s"],
        ["", "sk"],
        ["", "sk-"],
        ["", "sk-an"],
        ["", "sk-and"],
        ["sk-and more", ""],
    ]


def test_a_secret_is_marked_as_soon_as_it_is_certain_and_the_rest_of_it_is_dropped():
    stream = PLAIN.stream()

    first = stream.feed("sk-ant-api03-0123456789abcdef")
    rest = [stream.feed("ghijkl" * 1_000), stream.feed("mn"), stream.feed(" and")]

    assert [[text for _, _, text in pieces] for pieces in (first, *rest)] == [
        ["[redacted:provider_key]"],
        [],
        [],
        [" and"],
    ]


def test_a_private_key_without_an_end_is_redacted_up_to_a_limit():
    begin = "-----BEGIN PRIVATE KEY-----"
    body = "A" * (MAX_BLOCK - len(begin))

    assert redacted(PLAIN, [begin, body[:100], body[100:], "B", "C"]) == "[redacted:private_key]BC"
    assert redacted(PLAIN, [begin, "MIIE"]) == "[redacted:private_key]"


def test_patterns_of_the_operator_are_redacted_by_their_names():
    text = "EMP-12345 xEMP-1234 EMP-123 EMP-123456789 prj_" + "a" * 500 + "."

    assert (
        CUSTOM.redact(text)
        == "[redacted:employee] xEMP-1234 EMP-123 EMP-123456789 [redacted:project]."
    )


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+", "(a|aa)+", r"(\w+\s?)*x", "(a*)*x", "([a-z]+)*=", "(?:x+x+)+y", r"(?:\d+\d*)+z"],
)
def test_a_pattern_that_can_take_exponential_time_is_refused(pattern: str):
    with pytest.raises(ValueError, match="mine: the pattern can take exponential time"):
        Redactor([Rule("mine", pattern)])


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "is not a regular expression"),
        (r"(a)\1", "has a reference to a group"),
        ("(?=a)b", "has a lookaround"),
        ("(?>a)b", "has an atomic group"),
        ("a$", "has an anchor"),
        ("x*", "matches the empty text"),
        ("a{600}", "is too long"),
    ],
)
def test_a_pattern_that_a_stream_cannot_read_is_refused_with_the_reason(pattern: str, reason: str):
    with pytest.raises(ValueError, match=f"mine: the pattern {reason}"):
        Redactor([Rule("mine", pattern)])


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"(?:[A-Z]{2,8}-)+\d+", "AB-CDE-7"),
        ("(a*b)+c", "aabbc"),
        (r"(?i)secret:\s*\S+", "Secret: x"),
        (r"[^\s@]+@corp\.example", "ann.b@corp.example"),
        ("x[0-9]{1,400}y", "x" + "1" * 90 + "y"),
        ("ß(?:ü|日){2,}?!", "ßü日ü!"),
        (r"[]^\-a-c\d\x41]{9}\.", "]^-abc5A9."),
        (r"(?i:ab)(?-i:c)D.[^x-z]", "aBcD.w"),
        (r"(?P<a>x)(?s:.){,2}\u00e9\\", "x\n\né\\"),
    ],
)
def test_other_patterns_are_accepted(pattern: str, text: str):
    redactor = Redactor([Rule("mine", pattern)])

    assert redacted(redactor, list(f" {text} ")) == " [redacted:mine] "


def test_a_rule_can_decide_by_more_than_its_pattern():
    even = Rule("even", r"no\d{2,5}", lambda text: int(text[2:]) % 2 == 0, not_before="0123456789")
    redactor = Redactor([even])

    assert redacted(redactor, list("no123 no124.")) == "no123 [redacted:even]."


def test_hostile_text_takes_a_bounded_number_of_steps_for_each_character():
    redactor = Redactor(PATTERNS)
    steps = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal steps
        steps += event == "call" and frame.f_code is Automaton.step.__code__

    for text in ("sk-" * 3_000, "-" * 9_000, "eyJ " * 2_000, "4 " * 4_000, "prj_ <thi" * 900):
        steps = 0
        sys.setprofile(count)
        redactor.redact(text)
        sys.setprofile(None)
        assert 0 < steps <= len(text) * MAX_HELD


def test_a_card_number_has_a_valid_check_digit():
    assert has_check_digit("4111 1111 1111 1111")
    assert not has_check_digit("4111 1111 1111 1112")
