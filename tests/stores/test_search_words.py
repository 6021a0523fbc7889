"""The words that a search compares."""

import string

from hypothesis import given
from hypothesis import strategies as st

from thinkaloud.stores.search_terms import words


def test_a_word_is_a_sequence_of_letters_and_digits_in_any_case() -> None:
    assert words("Sky_blue, 3D-View!") == ["sky", "blue", "3d", "view"]
    assert words("\uff33\uff4b\uff59 Stra\xdfe") == ["sky", "strasse"]


@given(st.text(string.printable))
def test_english_words_are_split_the_same_beside_other_scripts(text: str) -> None:
    assert words(f"{text} \u3042") == [*words(text), "\u3042"]
