"""Renames and deletes owners in the state of the channels, while no server runs."""

from collections import Counter
from collections.abc import AsyncGenerator, Mapping

import msgspec

from thinkaloud.channels.platform.engine.chats import (
    AddressConversations,
    address_key,
    read_address_key,
)
from thinkaloud.channels.platform.engine.delivery import DeliveryRecord
from thinkaloud.channels.platform.pairing import Person
from thinkaloud.channels.platform.stored import decoded
from thinkaloud.ports.channel_state import ChannelState, StateEntry


async def paired_people(state: ChannelState) -> Mapping[str, int]:
    """Return how many people are paired with each owner. Raises `StoreError`."""
    people = [decoded(each.value, Person) for each in await state.entries("person")]
    return Counter(each.owner for each in people if each is not None and each.owner is not None)


async def rename_owner(state: ChannelState, owner: str, new: str) -> int:
    """Give an owner's people, conversations and answers on their way to `new`.

    Where both have conversations at an address, the current one of `new` stays. Returns the number
    of people. If it fails, repeating it moves the rest. Raises `StoreError`.
    """
    people = 0
    async for entry, person in _people(state, owner):
        value = msgspec.json.encode(msgspec.structs.replace(person, owner=new))
        await state.put(entry.channel, "person", entry.key, value)
        people += 1
    async for entry in _addresses(state, owner):
        chat_id, thread_id, _ = read_address_key(entry.key)
        await _move_address(state, entry, address_key(chat_id, thread_id, new))
    async for entry, record in _deliveries(state, owner):
        order = msgspec.structs.replace(record.order, owner=new)
        value = msgspec.json.encode(msgspec.structs.replace(record, order=order))
        await state.put(entry.channel, "delivery", entry.key, value)
    return people


async def delete_owner(state: ChannelState, owner: str) -> int:
    """Unpair an owner's people, and forget its conversations and answers on their way.

    Returns the number of people. Raises `StoreError`.
    """
    people = 0
    async for entry, _ in _people(state, owner):
        await state.take(entry.channel, "person", entry.key)
        people += 1
    async for entry in _addresses(state, owner):
        await state.take(entry.channel, "conversation", entry.key)
    async for entry, _ in _deliveries(state, owner):
        await state.take(entry.channel, "delivery", entry.key)
    return people


async def _move_address(state: ChannelState, entry: StateEntry, key: str) -> None:
    moved = decoded(entry.value, AddressConversations)
    if moved is not None:
        there = decoded(await state.get(entry.channel, "conversation", key), AddressConversations)
        merged = moved if there is None else there.followed_by(moved)
        await state.put(entry.channel, "conversation", key, msgspec.json.encode(merged))
    await state.take(entry.channel, "conversation", entry.key)


async def _people(state: ChannelState, owner: str) -> AsyncGenerator[tuple[StateEntry, Person]]:
    for entry in await state.entries("person"):
        person = decoded(entry.value, Person)
        if person is not None and person.owner == owner:
            yield entry, person


async def _addresses(state: ChannelState, owner: str) -> AsyncGenerator[StateEntry]:
    for entry in await state.entries("conversation"):
        if read_address_key(entry.key)[2] == owner:
            yield entry


async def _deliveries(
    state: ChannelState, owner: str
) -> AsyncGenerator[tuple[StateEntry, DeliveryRecord]]:
    for entry in await state.entries("delivery"):
        record = decoded(entry.value, DeliveryRecord)
        if record is not None and record.order.owner == owner:
            yield entry, record
