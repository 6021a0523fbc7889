"""The search index: which conversation has which words, and how they are made to go away again."""

import sqlite3
from typing import Final

from thinkaloud.stores.search_terms import phrases, words

_SLICE_PAGES: Final = 256
"""Pages of the index that are rewritten in one transaction: about a megabyte."""

MATCHING: Final = """
    conversation_id IN (
        SELECT texts.conversation_id FROM words JOIN texts ON texts.number = words.rowid
        WHERE words MATCH ?
    )
"""
"""A condition on a conversation, with one of `queries` for its parameter."""


def queries(search: str) -> list[str]:
    """Return the full-text queries that all must match somewhere in a conversation."""
    return [f'"{" ".join(phrase)}" *' for phrase in phrases(search)]


def put(connection: sqlite3.Connection, conversation_id: str, run_id: str, text: str) -> None:
    """Index the text of a run, or a title (`run_id` empty), replacing any previous text."""
    indexed = " ".join(words(text))
    found = connection.execute(
        "SELECT number FROM texts WHERE conversation_id = ? AND run_id = ?",
        (conversation_id, run_id),
    ).fetchone()
    if found is not None:
        connection.execute("UPDATE words SET text = ? WHERE rowid = ?", (indexed, found[0]))
    elif indexed:
        number = connection.execute(
            "INSERT INTO texts (conversation_id, run_id) VALUES (?, ?)", (conversation_id, run_id)
        ).lastrowid
        connection.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (number, indexed))


def drop(connection: sqlite3.Connection, conversation_id: str) -> None:
    """Take a conversation out of the index. The words themselves stay until it is scrubbed."""
    connection.execute(
        "DELETE FROM words WHERE rowid IN (SELECT number FROM texts WHERE conversation_id = ?)",
        (conversation_id,),
    )
    connection.execute("DELETE FROM texts WHERE conversation_id = ?", (conversation_id,))
    connection.execute("INSERT OR IGNORE INTO chores (chore) VALUES ('scrub')")


def must_scrub(connection: sqlite3.Connection) -> bool:
    """Whether words of deleted texts may still lie in the index."""
    return connection.execute("SELECT 1 FROM chores WHERE chore = 'scrub'").fetchone() is not None


def scrub(connection: sqlite3.Connection, *, first: bool) -> bool:
    """Rewrite a slice of the index without the words of deleted texts. False when it is done.

    FTS5 only marks what is deleted; merging all its parts into one is what removes it
    (sqlite.org/fts5.html, "The merge Command").
    """
    before = connection.total_changes
    pages = -_SLICE_PAGES if first else _SLICE_PAGES
    connection.execute("INSERT INTO words (words, rank) VALUES ('merge', ?)", (pages,))
    if connection.total_changes - before > 1:
        return True
    connection.execute("DELETE FROM chores WHERE chore = 'scrub'")
    return False
