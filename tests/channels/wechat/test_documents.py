"""The complete text of a long answer, as a file in WeChat."""

import pytest

from tests.channels.wechat.fake.server import Fault
from tests.channels.wechat.world import ADA, World, connected, wechat
from thinkaloud.channels.wechat.mail import MESSAGES_PER_WORD
from thinkaloud.providers.scripted import say

LONG = "\n\n".join(f"paragraph {number:04} 思 of the answer" for number in range(300))


def files(world: World) -> list[tuple[str, bytes]]:
    return [bubble.file for bubble in world.people.seen(ADA) if bubble.file is not None]


@pytest.mark.parametrize("whole", [False, True])
async def test_a_long_answer_comes_as_its_start_and_one_file(whole: bool) -> None:
    async with wechat() as world, connected(world, [say(LONG)], answer_messages=2) as lab:
        world.server.storage.whole_addresses = whole
        world.people.says("Long", user=ADA)
        await world.until(lambda: files(world))
        await world.until(lambda: not lab.channel.status.pending)
        assert files(world) == [("answer.md", f"{LONG}\n".encode())]
        assert world.texts()[0].startswith("paragraph 0000")
        assert "paragraph 0299" not in "".join(world.texts())


async def test_a_file_without_room_comes_with_the_next_word_before_the_rest() -> None:
    longer = LONG * 2
    async with wechat() as world:
        async with connected(world, [say(longer)], answer_messages=9) as lab:
            world.people.says("Long", user=ADA)
            await world.sees(MESSAGES_PER_WORD)
            await world.until(lambda: not lab.channel.status.pending)
            assert files(world) == []
        async with connected(world, answer_messages=9):
            world.people.says("more", user=ADA)
            shown = await world.sees(MESSAGES_PER_WORD + 3)
            assert files(world) == [("answer.md", f"{longer}\n".encode())]
            assert [text == "" for text in shown[:10]] == [False] * 7 + [True, False, False]
            assert "send “more”" not in "".join(shown[7:])


async def test_a_file_survives_a_rate_limit_and_a_lost_response_and_comes_once() -> None:
    async with wechat() as world, connected(world, [say(LONG)], answer_messages=1) as lab:
        world.server.faults += [
            Fault("upload", status=502),
            Fault("getuploadurl", status=429, retry_after=3),
        ]
        world.people.says("Long", user=ADA)
        await world.sees(1)
        world.server.faults.append(Fault(lost=True))
        await world.until(lambda: not lab.channel.status.pending)
        assert files(world) == [("answer.md", f"{LONG}\n".encode())]


async def test_where_files_cannot_be_uploaded_the_rest_comes_in_messages() -> None:
    async with wechat() as world, connected(world, [say(LONG)], answer_messages=1) as lab:
        world.server.faults += [Fault("upload", status=502) for _ in range(20)]
        world.people.says("Long", user=ADA)
        await world.until(lambda: "paragraph 0299" in "".join(world.texts()))
        await world.until(lambda: not lab.channel.status.pending)
        assert files(world) == []
        assert "".join(world.texts()).count("paragraph 0150") == 1
