"""The searchable text of a run: the question and the answer, without reasoning. Pure."""

from collections.abc import Iterable

from thinkaloud.events.event import AnswerDelta, Event, RunStarted


def searchable(events: Iterable[Event]) -> str:
    """Return the text of a run for the search index."""
    texts: list[str] = []
    answer: list[str] = []
    for event in events:
        if isinstance(event, RunStarted):
            texts.append(event.input.text)
        elif isinstance(event, AnswerDelta):
            answer.append(event.text)
    return f"{''.join(texts)}\n{''.join(answer)}"
