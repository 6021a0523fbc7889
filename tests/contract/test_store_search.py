"""The contract suite of stores: search in titles and texts, whatever their case and script."""

import pytest

from tests.stores.samples import ENDED, OWNER, add_run, conversation, keep_text, names, run, stored
from thinkaloud.ports.store import ConversationPatch, Store


async def test_a_search_finds_all_its_words_in_title_and_text_together(store: Store) -> None:
    await keep_text(store, "sky", "Why is the sky blue? Rayleigh scattering.")
    await keep_text(store, "sea", "Why is the sea blue? It is not.")
    await store.update_conversation(OWNER, "sky", ConversationPatch(title="Physics of light"))
    assert await names(store, "why blue") == ["sky", "sea"]
    assert await names(store, "blue physics") == ["sky"]
    assert await names(store, "blue chemistry") == []


async def test_a_search_finds_words_of_several_runs(store: Store) -> None:
    await keep_text(store, "talk", "the first question")
    await add_run(store, run("next", first_seq=2))
    await store.compact(run("next"), [stored(ENDED, 2, run_id="next")], "and the second")
    assert await names(store, "first second") == ["talk"]


@pytest.mark.parametrize(
    ("text", "search"),
    [
        ("Rayleigh", "RAYLEIGH"),
        ("STRASSE", "straße"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("cafe\u0301", "caf\u00e9"),
        ("it is foo_bar-baz!", "foo_bar"),
        ("thinking aloud", "think"),
        ("他说天空是蓝色的", "天空"),
        ("ｆｕｌｌ　ｗｉｄｔｈ", "width full"),
        ("a party 🎉 today", "🎉"),
        ("done by 👩🏽‍💻 at night", "👩🏽‍💻 night"),
        ("hello", ""),
        ("hello", "  "),
    ],
)
async def test_a_search_finds_a_word_whatever_its_case_and_script(
    store: Store, text: str, search: str
) -> None:
    await keep_text(store, "talk", text)
    assert await names(store, search) == ["talk"]


@pytest.mark.parametrize(
    ("text", "search"),
    [
        ("aloud", "loud"),
        ("bar foo", "foo_bar"),
        ("他说空天是蓝色的", "天空"),
        ("sky", 'sky" OR "blue'),
        ("sky", "sky* NEAR sea"),
        ("sky", "words:sky"),
        ("sky", "***"),
        ("sky", '"'),
        ("sky", "%"),
        ("a party 🎉 today", "🎈"),
    ],
)
async def test_a_search_finds_no_more_than_was_asked_for(
    store: Store, text: str, search: str
) -> None:
    await keep_text(store, "talk", text)
    assert await names(store, search) == []


async def test_a_search_of_very_many_words_is_answered(store: Store) -> None:
    await keep_text(store, "talk", " ".join(f"word{n}" for n in range(3_000)))
    assert await names(store, " ".join(f"word{n}" for n in range(3_000))) == ["talk"]


async def test_a_search_is_ordered_and_paginated(store: Store) -> None:
    for index in range(4):
        await keep_text(store, f"c{index}", "the same words", at_ms=1_000 + index)
    assert await names(store, "words", limit=2) == ["c3", "c2"]
    assert await names(store, "words", before=(1_002, "c2")) == ["c1", "c0"]


async def test_a_search_forgets_an_old_title_and_a_replaced_text(store: Store) -> None:
    await store.create_conversation(conversation(title="before"))
    await add_run(store, run())
    await store.compact(run(), [stored(ENDED, 1)], "one")
    await store.compact(run(), [stored(ENDED, 1)], "two")
    await store.update_conversation(OWNER, "talk", ConversationPatch(title="after"))
    assert await names(store, "before") == []
    assert await names(store, "one") == []
    assert await names(store, "after two") == ["talk"]
