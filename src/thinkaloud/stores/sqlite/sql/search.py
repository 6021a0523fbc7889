"""The full-text search index of conversations, and its scrubbing after deletions."""

import sqlite3
from typing import Final

from thinkaloud.stores.search_terms import phrases, words

_SLICE_PAGES: Final = 256
"""Pages of the index to rewrite in one transaction: about a megabyte."""

TITLE: Final = ""
"""Stands for the run of a text that is a title."""
MATCHING: Final = """
    number IN (
        SELECT texts.conversation FROM words JOIN texts ON texts.number = words.rowid
        WHERE words MATCH ?
    )
"""
"""A condition on a conversation. Its parameter is one of `queries`."""


def queries(search: str) -> list[str]:
    """Return the full-text queries, each of which must match somewhere in a conversation."""
    return [f'"{" ".join(phrase)}" *' for phrase in phrases(search)]


def put(connection: sqlite3.Connection, conversation: int, run_id: str, text: str) -> None:
    """Index the text of a run, or a title (`run_id` empty), replacing any previous text.

    `conversation` is the number of the conversation's row.
    """
    indexed = " ".join(words(text))
    found = connection.execute(
        "SELECT number FROM texts WHERE conversation = ? AND run_id = ?",
        (conversation, run_id),
    ).fetchone()
    if found is not None:
        connection.execute("UPDATE words SET text = ? WHERE rowid = ?", (indexed, found[0]))
    elif indexed:
        number = connection.execute(
            "INSERT INTO texts (conversation, run_id) VALUES (?, ?)", (conversation, run_id)
        ).lastrowid
        connection.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (number, indexed))


def drop(connection: sqlite3.Connection, conversation: int) -> None:
    """Remove a conversation from the index. Its words stay in the file until `scrub`."""
    connection.execute(
        "DELETE FROM words WHERE rowid IN (SELECT number FROM texts WHERE conversation = ?)",
        (conversation,),
    )
    connection.execute("DELETE FROM texts WHERE conversation = ?", (conversation,))
    connection.execute("INSERT OR IGNORE INTO chores (chore) VALUES ('scrub')")


def must_scrub(connection: sqlite3.Connection) -> bool:
    """Whether the index may still contain words of deleted texts."""
    return connection.execute("SELECT 1 FROM chores WHERE chore = 'scrub'").fetchone() is not None


def scrub(connection: sqlite3.Connection, *, first: bool) -> bool:
    """Rewrite a slice of the index without the words of deleted texts. False when done.

    FTS5 only marks rows as deleted; merging all segments into one removes them
    (sqlite.org/fts5.html, "The merge Command").
    """
    before = connection.total_changes
    pages = -_SLICE_PAGES if first else _SLICE_PAGES
    connection.execute("INSERT INTO words (words, rank) VALUES ('merge', ?)", (pages,))
    if connection.total_changes - before > 1:
        return True
    connection.execute("DELETE FROM chores WHERE chore = 'scrub'")
    return False
