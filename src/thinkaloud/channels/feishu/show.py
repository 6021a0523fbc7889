"""Moves chats toward the content of their runs: one card that grows, and further ones where the answer is long.

A card is an entity of CardKit with an id, sent once as a message. Every change of it has a sequence number, which must rise:
https://open.feishu.cn/document/cardkit-v1/streaming-updates-openapi-overview
"""

from collections import OrderedDict
from hashlib import sha256
from typing import Any, Final

import msgspec

from thinkaloud.channels.feishu.api import FeishuApi, Refusal
from thinkaloud.channels.feishu.cards import Card
from thinkaloud.channels.feishu.render import final_cards, live_card
from thinkaloud.channels.feishu.send import Sending
from thinkaloud.channels.markdown.rendering import Rendering
from thinkaloud.channels.platform.content import ChatContent
from thinkaloud.channels.platform.errors import RetryLater
from thinkaloud.channels.platform.message import ChatAddress
from thinkaloud.channels.platform.platform import Sent
from thinkaloud.ports.clock import Clock

_CLOSED: Final = {200850, 300309}
"""The card no longer streams: ten minutes have passed, or it was closed."""
_SEQUENCE: Final = 300317
_SEQUENCE_STEP: Final = 1_000_000
_MAX_SHOWN: Final = 4_096


class SentCard(msgspec.Struct, frozen=True, omit_defaults=True):
    """A card that was created."""

    card_id: str
    created_ms: int
    """Unix milliseconds. Sequence numbers are counted from here, so that they rise over restarts."""
    message_id: str = ""
    """Empty until it is sent."""
    digest: str = ""
    """Of its final content, once that is shown."""


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was sent for a run."""

    cards: tuple[SentCard, ...] = ()


class _Shown(msgspec.Struct):
    """What this process knows of a card."""

    sequence: int
    card: Card | None = None
    """None if it is not known what it shows: a call's answer was lost, or another process sent it."""


class Showing:
    """The cards of one app."""

    def __init__(
        self, api: FeishuApi, sending: Sending, clock: Clock, rendering: Rendering
    ) -> None:
        self._api = api
        self._sending = sending
        self._clock = clock
        self._rendering = rendering
        self._shown: OrderedDict[str, _Shown] = OrderedDict()

    async def show(self, chat: ChatAddress, content: ChatContent, sent: Sent) -> bool:
        """See `Platform.show`. Each call changes at most one card."""
        record = sent.load(Record) or Record()
        if not content.final:
            card = await self._rendering.call(content.chars, live_card, content, chat)
            if card is not None:
                await self._place(_Step(chat, content, sent, record, 0), card)
            return True
        cards = await self._rendering.end(content, final_cards, chat)
        for index, card in enumerate(cards):
            known = record.cards[index] if index < len(record.cards) else None
            if known is None or known.digest != card.digest:
                await self._place(_Step(chat, content, sent, record, index), card)
                return index == len(cards) - 1
        return True

    async def _place(self, step: "_Step", card: Card) -> None:
        """Create, send or change one card, and note it if it is final."""
        known = step.known
        if known is None:
            card_id = await self._create(card)
            known = await step.save(SentCard(card_id, self._clock.unix_ms()))
            self._remember(card_id, _Shown(0, card))
        if not known.message_id:
            message_id = await self._send(step, known.card_id)
            known = await step.save(msgspec.structs.replace(known, message_id=message_id))
        await self._change(known, card)
        if step.content.final:
            await step.save(msgspec.structs.replace(known, digest=card.digest))
            self._shown.pop(known.card_id, None)

    async def _create(self, card: Card) -> str:
        body = {"type": "card_json", "data": card.data}
        answer = await self._api.call("POST", "/open-apis/cardkit/v1/cards", body)
        return str(answer["data"]["card_id"])

    async def _send(self, step: "_Step", card_id: str) -> str:
        once = sha256(f"{step.content.run_id}/{step.index}".encode()).hexdigest()[:32]
        content = {"type": "card", "data": {"card_id": card_id}}
        return await self._sending.send(step.chat, step.content.origin, content, once=once)

    async def _change(self, known: SentCard, card: Card) -> None:
        shown = self._shown.get(known.card_id)
        if shown is None:
            shown = _Shown(0)
            self._remember(known.card_id, shown)
        self._shown.move_to_end(known.card_id)
        if shown.card is not None and shown.card.data == card.data:
            return
        before, shown.card = shown.card, None
        try:
            await self._update(known, shown, before, card)
        except RetryLater:
            shown.card = before  # It was not performed.
            raise
        shown.card = card

    async def _update(
        self, known: SentCard, shown: _Shown, before: Card | None, card: Card
    ) -> None:
        """Send one text if only that has changed, else the whole card."""
        changed = _changed_text(before, card)
        if changed is not None:
            path = f"/open-apis/cardkit/v1/cards/{known.card_id}/elements/{changed}/content"
            try:
                await self._numbered(known, shown, path, {"content": card.texts[changed]})
                return
            except Refusal as refusal:
                if refusal.code not in _CLOSED:
                    raise
        path = f"/open-apis/cardkit/v1/cards/{known.card_id}"
        whole = {"card": {"type": "card_json", "data": card.data}}
        await self._numbered(known, shown, path, whole)

    async def _numbered(
        self, known: SentCard, shown: _Shown, path: str, body: dict[str, Any]
    ) -> None:
        elapsed = max(0, self._clock.unix_ms() - known.created_ms) // 10
        shown.sequence = max(shown.sequence, elapsed) + 1
        try:
            await self._api.call("PUT", path, {**body, "sequence": shown.sequence})
        except Refusal as refusal:
            if refusal.code != _SEQUENCE:
                raise
            # The clock was set back.
            shown.sequence += _SEQUENCE_STEP
            await self._api.call("PUT", path, {**body, "sequence": shown.sequence})

    def _remember(self, card_id: str, shown: _Shown) -> None:
        self._shown[card_id] = shown
        if len(self._shown) > _MAX_SHOWN:
            self._shown.popitem(last=False)


class _Step:
    """One call of `Showing.show`, for one of its cards."""

    def __init__(
        self, chat: ChatAddress, content: ChatContent, sent: Sent, record: Record, index: int
    ) -> None:
        self.chat = chat
        self.content = content
        self.index = index
        self._sent = sent
        self._record = record

    @property
    def known(self) -> SentCard | None:
        cards = self._record.cards
        return cards[self.index] if self.index < len(cards) else None

    async def save(self, card: SentCard) -> SentCard:
        """Persist the card."""
        cards = (*self._record.cards[: self.index], card, *self._record.cards[self.index + 1 :])
        self._record = Record(cards)
        await self._sent.save(self._record)
        return card


def _changed_text(before: Card | None, card: Card) -> str | None:
    """Return the only element whose text differs, if nothing else does."""
    if before is None or before.frame != card.frame:
        return None
    changed = [name for name, text in card.texts.items() if before.texts.get(name) != text]
    return changed[0] if len(changed) == 1 else None
