"""Assembles signed reasoning blocks from their fragments.

Sources: LiteLLM documentation, "Reasoning content" (`thinking_blocks`); Databricks documentation,
"Query reasoning models" (content parts of type `reasoning` with a `summary`).
"""


class _Block:
    __slots__ = ("fields", "signed", "text")

    def __init__(self) -> None:
        self.fields: dict[str, object] = {}
        self.text: list[str] = []
        self.signed = False


class SignedBlocks:
    """Assembles blocks from fragments. A signature ends a block.

    `text_field` is the field that contains the text. A fragment without it (redacted reasoning) is
    a separate block.
    """

    __slots__ = ("_blocks", "_text_field")

    def __init__(self, text_field: str) -> None:
        self._text_field = text_field
        self._blocks: list[_Block] = []

    def add(self, fragments: list[dict[str, object]]) -> list[tuple[str, int]]:
        """Add the fragments of one delta; return their new texts with their block numbers."""
        texts: list[tuple[str, int]] = []
        for fragment in fragments:
            text = fragment.get(self._text_field)
            signature = fragment.get("signature")
            if not isinstance(text, str) and not signature:
                self._new(fragment).signed = True
                continue
            new = self._merge(fragment, text if isinstance(text, str) else "", bool(signature))
            if new:
                texts.append((new, len(self._blocks) - 1))
        return texts

    def coalesced(self) -> list[dict[str, object]]:
        """Return the complete blocks, as the provider expects them back."""
        field = self._text_field
        return [
            {**block.fields, field: "".join(block.text)} if field in block.fields else block.fields
            for block in self._blocks
        ]

    def __bool__(self) -> bool:
        return bool(self._blocks)

    def _merge(self, fragment: dict[str, object], text: str, signed: bool) -> str:
        block = self._blocks[-1] if self._blocks else None
        if block is None or (block.signed and (text or fragment != block.fields)):
            block = self._new(fragment)
        else:
            block.fields.update(
                (name, value)
                for name, value in fragment.items()
                if name not in block.fields or value not in (None, "")
            )
        block.fields.setdefault(self._text_field, "")
        block.signed = signed
        if signed and text:
            # LiteLLM repeats the whole text along with the signature.
            text = text.removeprefix("".join(block.text))
        if text:
            block.text.append(text)
        return text

    def _new(self, fragment: dict[str, object]) -> _Block:
        block = _Block()
        block.fields.update(fragment)
        self._blocks.append(block)
        return block
