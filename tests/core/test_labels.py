"""File names are shown the same way everywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkaloud.core.conversations.filenames import content_disposition, file_label, label


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a b.txt", 'attachment; filename="a b.txt"'),
        ("Größe.txt", "attachment; filename=\"Groe.txt\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.txt"),
        ("天空", "attachment; filename=\"file\"; filename*=UTF-8''%E5%A4%A9%E7%A9%BA"),
        ("\uff02;x=1", "attachment; filename=\"__x=1\"; filename*=UTF-8''%EF%BC%82%3Bx%3D1"),
    ],
)
def test_a_file_name_is_sent_in_ascii_and_in_full(name: str, header: str) -> None:
    assert content_disposition(name) == header


@given(st.text())
def test_no_name_escapes_its_header(text: str) -> None:
    name = file_label(text)
    header = content_disposition(name)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
    assert not set(name) & set('/\\"<>\r\n\t\x1b\u2028\u202e')
    assert 0 < len(name) <= 200


@given(st.text())
def test_a_label_is_one_line_without_markup(text: str) -> None:
    assert len(label(text).splitlines()) <= 1
    assert not set(label(text)) & set('"<>\x1b\u202e')
