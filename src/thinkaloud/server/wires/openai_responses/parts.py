"""The open part of an output item: its place, its text so far, and the members of its events."""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

PartKind = Literal["text", "summary"]
_encode: Final = msgspec.json.Encoder().encode


class OpenPart:
    """An item with text whose last part is open. Part numbers of the run may have gaps."""

    def __init__(
        self,
        item_id: str,
        segment_id: str,
        output_index: int,
        *,
        answer: bool,
        text_name: str,
        part_name: str,
    ) -> None:
        self.item_id = item_id
        self.segment_id = segment_id
        self.answer = answer
        """Whether it is a message; otherwise it is reasoning."""
        self.text_name = text_name
        """The name of the text's events; empty if no text is shown."""
        self.part_name = part_name
        self.part = 0
        """The part of the run's event."""
        self.in_part = False
        self.pieces: list[str] = []
        self.texts: list[str] = []
        """The texts of the closed parts."""
        self.head = b""
        """The start of a delta's event, up to the value of `sequence_number`."""
        self.key = b'"logprobs":[],"delta":' if answer else b'"delta":'
        self._index_name = "summary_index" if "summary" in part_name else "content_index"
        self._part_type = {
            "output_text": "output_text",
            "reasoning_text": "reasoning_text",
        }.get(text_name, "summary_text")
        self._output_index = output_index

    @property
    def shows_text(self) -> bool:
        """Whether the reader gets the text."""
        return bool(self.text_name)

    def begin(self, part: int) -> None:
        """Open the part of an event."""
        self.part = part
        self.in_part = True
        kind = f"response.{self.text_name}.delta"
        place = _encode({"type": kind, **self._place()})
        # The place without its closing brace.
        self.head = b'event: %b\ndata: %b,"sequence_number":' % (kind.encode(), place[:-1])

    def end(self) -> Sequence[tuple[str, dict[str, object]]]:
        """Close the open part. Returns the events with its complete text: type and members."""
        text = "".join(self.pieces)
        self.pieces = []
        self.in_part = False
        place = self._place()
        self.texts.append(text)
        more: dict[str, object] = {"logprobs": []} if self.answer else {}
        return (
            (f"response.{self.text_name}.done", {**place, "text": text, **more}),
            (f"response.{self.part_name}.done", {**place, "part": self._value(text)}),
        )

    def added(self) -> dict[str, object]:
        """Return the members of the event that opens the part."""
        return {**self._place(), "part": self._value("")}

    def _place(self) -> dict[str, object]:
        return {
            "item_id": self.item_id,
            "output_index": self._output_index,
            self._index_name: len(self.texts),
        }

    def _value(self, text: str) -> dict[str, object]:
        more: dict[str, object] = {"annotations": [], "logprobs": []} if self.answer else {}
        return {"type": self._part_type, "text": text, **more}


def part_of(
    kind: PartKind | None, item_id: str, segment_id: str, output_index: int, *, answer: bool
) -> OpenPart:
    """Return the open part of a new item. `kind`: the form of its text; None: it is not shown."""
    names = ("", "")
    if answer:
        names = ("output_text", "content_part")
    elif kind == "text":
        names = ("reasoning_text", "content_part")
    elif kind == "summary":
        names = ("reasoning_summary_text", "reasoning_summary_part")
    text_name, part_name = names
    return OpenPart(
        item_id, segment_id, output_index, answer=answer, text_name=text_name, part_name=part_name
    )
