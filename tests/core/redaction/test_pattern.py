"""The automaton of a pattern matches what `re` matches."""

import re

from hypothesis import given
from hypothesis import strategies as st

from thinkaloud.core.redaction.ambiguity import can_be_exponential
from thinkaloud.core.redaction.automaton import Automaton
from thinkaloud.core.redaction.pattern import Pattern
from thinkaloud.core.redaction.rule import Rule

atoms = st.sampled_from(["a", "b", "[ab]", "[^a]", ".", r"\w", r"\d", "(?i:A)", "c"])
patterns = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("(?:{}|{})".format, inner, inner),
        st.builds(
            "(?:{}){}".format, inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{2,}"])
        ),
    ),
    max_leaves=8,
)


@given(patterns.filter(lambda pattern: not re.fullmatch(pattern, "")), st.text("abcA1", max_size=9))
def test_the_automaton_accepts_what_re_accepts(pattern: str, text: str):
    automaton = Automaton([Rule("x", pattern)])
    state = automaton.start("")

    for length, char in enumerate(text, 1):
        state = automaton.step(state, char) if state is not None else None
        accepts = state is not None and state.certain is not None
        assert accepts == bool(re.fullmatch(pattern, text[:length]))


@given(patterns.filter(lambda pattern: not re.fullmatch(pattern, "")))
def test_a_pattern_repeated_around_a_repetition_of_itself_is_exponential(pattern: str):
    assert can_be_exponential(Pattern(f"(?:(?:{pattern})+)+"))


def test_patterns_with_one_way_to_match_are_not_exponential():
    for pattern in ("(?:a*b)*c", "(?:[a-z]+-)*x", r"\d+(?:\.\d+)*", "(?:ab|ac)+", "a{3,9}a+"):
        assert not can_be_exponential(Pattern(pattern))
