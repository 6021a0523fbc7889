"""The fake Feishu refuses what Feishu refuses: without that, the other tests would show nothing."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.channels.feishu.fake.cards import Cards
from tests.channels.feishu.fake.chats import Chats
from tests.channels.feishu.fake.rates import Rates
from tests.channels.feishu.fake.refusals import Refused


class Tenant:
    """The parts of the fake without its HTTP."""

    def __init__(self) -> None:
        self.time = 1_000.0
        self.rates = Rates(lambda: self.time)
        self.cards = Cards(lambda: self.time)
        self.chats = Chats("cli_1", self.cards, self.rates, lambda: self.time)
        self.chats.open_direct("ou_ada")

    def card(self, *elements: Mapping[str, Any], **config: Any) -> str:
        return self.cards.create(card_body(*elements, **config))

    def send(self, content: Mapping[str, Any], **more: Any) -> Any:
        body = {"receive_id": "ou_ada", "msg_type": "interactive", "content": json.dumps(content)}
        return self.chats.create("open_id", body | more)


def card_body(*elements: Mapping[str, Any], **config: Any) -> dict[str, Any]:
    card = {"schema": "2.0", "config": config, "body": {"elements": elements}}
    return {"type": "card_json", "data": json.dumps(card)}


def text(content: str = "x", name: str = "t1", **more: Any) -> dict[str, Any]:
    return {"tag": "markdown", "element_id": name, "content": content, **more}


@pytest.fixture
def tenant() -> Tenant:
    return Tenant()


def test_sequence_numbers_must_rise(tenant: Tenant) -> None:
    card_id = tenant.card(text(), streaming_mode=True)
    tenant.cards.content(card_id, "t1", {"content": "a", "sequence": 5})
    for sequence in (5, 4, 0, -1, 2**31, None):
        with pytest.raises(Refused):
            tenant.cards.content(card_id, "t1", {"content": "b", "sequence": sequence})
        with pytest.raises(Refused):
            tenant.cards.update(card_id, {"card": card_body(text()), "sequence": sequence})


def test_a_refused_change_does_not_use_up_its_number(tenant: Tenant) -> None:
    card_id = tenant.card(text(), streaming_mode=True)
    with pytest.raises(Refused, match="300313"):
        tenant.cards.content(card_id, "t2", {"content": "a", "sequence": 5})
    tenant.cards.content(card_id, "t1", {"content": "a", "sequence": 5})


def test_a_stream_ends_after_ten_minutes_and_when_it_is_switched_off(tenant: Tenant) -> None:
    card_id = tenant.card(text(), streaming_mode=True)
    tenant.time += 599
    tenant.cards.content(card_id, "t1", {"content": "a", "sequence": 1})
    tenant.time += 2
    with pytest.raises(Refused, match="200850"):
        tenant.cards.content(card_id, "t1", {"content": "b", "sequence": 2})
    settings = json.dumps({"config": {"streaming_mode": False}})
    tenant.cards.settings(card_id, {"settings": settings, "sequence": 3})
    with pytest.raises(Refused, match="300309"):
        tenant.cards.content(card_id, "t1", {"content": "b", "sequence": 4})


def test_only_texts_are_streamed(tenant: Tenant) -> None:
    rule = {"tag": "hr", "element_id": "h1"}
    card_id = tenant.card(rule, streaming_mode=True)
    with pytest.raises(Refused, match="300310"):
        tenant.cards.content(card_id, "h1", {"content": "a", "sequence": 1})


@pytest.mark.parametrize(
    "elements",
    [
        [text(color="red")],
        [{"tag": "action", "actions": []}],
        [text(name="1st")],
        [text(name="x" * 21)],
        [text(), text()],
        [text(name=f"t{number}") for number in range(201)],
        [text("x" * 31_000)],
        [text("| a |\n|---|\n| b |\n\n" * 6)],
        [{"tag": "collapsible_panel", "header": {"color": "red"}, "elements": []}],
    ],
)
def test_cards_that_break_a_rule_are_refused(
    tenant: Tenant, elements: list[Mapping[str, Any]]
) -> None:
    with pytest.raises(Refused):
        tenant.card(*elements)


@pytest.mark.parametrize("config", [{"update_multi": False}, {"color": "red"}])
def test_a_configuration_that_breaks_a_rule_is_refused(
    tenant: Tenant, config: Mapping[str, Any]
) -> None:
    with pytest.raises(Refused):
        tenant.card(text(), **config)


def test_a_card_is_sent_once(tenant: Tenant) -> None:
    content = {"type": "card", "data": {"card_id": tenant.card(text())}}
    first = tenant.send(content, uuid="a")
    assert tenant.send(content, uuid="a") is first
    with pytest.raises(Refused, match="sent before"):
        tenant.send(content, uuid="b")
    tenant.time += 3_601
    with pytest.raises(Refused, match="sent before"):
        tenant.send(content, uuid="a")


def test_a_card_can_be_changed_for_fourteen_days(tenant: Tenant) -> None:
    card_id = tenant.card(text())
    tenant.time += 15 * 86_400
    with pytest.raises(Refused, match="expired"):
        tenant.cards.update(card_id, {"card": card_body(text()), "sequence": 1})


def test_five_messages_a_second_go_to_a_person(tenant: Tenant) -> None:
    card = json.loads(card_body(text())["data"])
    for _ in range(5):
        tenant.send(card)
    with pytest.raises(Refused, match="230020"):
        tenant.send(card)
    tenant.time += 1.1
    tenant.send(card)


def test_ten_changes_a_second_fit_a_card(tenant: Tenant) -> None:
    for _ in range(10):
        tenant.rates.card("1")
    with pytest.raises(Refused, match="99991400") as refused:
        tenant.rates.card("1")
    assert refused.value.headers["x-ogw-ratelimit-reset"] == "1"


def test_a_method_has_a_limit_for_a_second_and_for_a_minute(tenant: Tenant) -> None:
    for number in range(1_000):
        tenant.time += 0.0 if number % 50 else 1.0
        tenant.rates.method("POST cards")
    tenant.time += 1.0
    with pytest.raises(Refused, match="99991400") as refused:
        tenant.rates.method("POST cards")
    assert int(refused.value.headers["x-ogw-ratelimit-reset"]) > 30
    tenant.rates.method("PUT cards")


def test_what_a_message_may_not_be_is_refused(tenant: Tenant) -> None:
    card = json.loads(card_body(text())["data"])
    for more in ({"uuid": "x" * 51}, {"msg_type": "text"}, {"receive_id": "ou_nobody"}):
        with pytest.raises(Refused):
            tenant.send(card, **more)
    with pytest.raises(Refused):
        tenant.chats.create("email", {"receive_id": "ou_ada"})
    with pytest.raises(Refused, match="230110"):
        tenant.chats.reply("om_none", {})


def test_private_cards_are_only_for_groups(tenant: Tenant) -> None:
    body = {"chat_id": "oc_1", "open_id": "ou_ada", "msg_type": "interactive", "card": {}}
    with pytest.raises(Refused, match="18053"):
        tenant.chats.whisper(body)
    tenant.chats.groups.add("oc_1")
    tenant.chats.whisper(body)
    with pytest.raises(Refused, match="18054"):
        tenant.chats.whisper({**body, "card": {"schema": "2.0"}})
