"""Logging in with a QR code, and what happens when the login is stale."""

import logging
import stat
from pathlib import Path

import pytest

from tests.channels.wechat.fake.logins import BOT, OWNER
from tests.channels.wechat.fake.server import Fault
from tests.channels.wechat.world import ADA, World, opened, wechat
from thinkaloud.channels.platform.errors import Misconfigured, PlatformError, Rejected, Transient
from thinkaloud.channels.platform.login import LoginPlatform
from thinkaloud.providers.scripted import say

OLD = "CANARY-token-of-an-old-login"


class Screen:
    """A person with a phone."""

    def __init__(self, *numbers: str) -> None:
        self.codes: list[str] = []
        self.lines: list[str] = []
        self.questions: list[str] = []
        self._numbers = list(numbers)

    def show_code(self, url: str) -> None:
        self.codes.append(url)

    def report(self, text: str) -> None:
        self.lines.append(text)

    async def ask(self, question: str) -> str:
        self.questions.append(question)
        return self._numbers.pop(0)


async def log_in(world: World, folder: Path, screen: Screen, **settings: str) -> str:
    """Log in while time passes."""
    platform = world.platform(folder, **{"token_env": "", **settings})
    assert isinstance(platform, LoginPlatform)
    done: list[str | PlatformError] = []

    async def run() -> None:
        try:
            done.append(await platform.login(screen))
        except PlatformError as error:
            done.append(error)

    await world.during(run())
    if isinstance(done[0], PlatformError):
        raise done[0]
    return done[0]


def stored(folder: Path) -> str:
    return (folder / "login.json").read_text()


async def test_a_scanned_code_logs_in_and_the_channel_works(tmp_path: Path) -> None:
    folder, screen = tmp_path / "channels" / "wechat", Screen()
    async with wechat() as world:
        world.server.logins.plans = [["wait", "lost", "wait", "scaned", "scaned", "confirmed"]]
        assert await log_in(world, folder, screen) == BOT
        assert screen.codes == ["https://liteapp.weixin.qq.com/q/code-1"]
        assert screen.lines[-1] == f"Your own id, for allow_from: {OWNER}"
        assert screen.lines.count("Scanned. Confirm the login on the phone.") == 1
        assert stat.S_IMODE((folder / "login.json").stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert [file.name for file in folder.iterdir()] == ["login.json"]
        async with opened(world, [say("Blue.")], folder=folder, token_env=""):
            world.people.says("Why?", user=ADA)
            assert await world.sees(1) == ["Blue."]


async def test_the_token_is_shown_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    screen = Screen()
    async with wechat() as world:
        world.server.logins.plans = [["confirmed"]]
        await log_in(world, tmp_path, screen)
        world.server.faults = [Fault("getupdates", code=-1), Fault("getupdates", status=502)]
        async with opened(world, [say("Blue.")], folder=tmp_path, token_env="") as lab:
            world.people.says("Why?", user=ADA)
            await world.sees(1)
            shown = (repr(lab.channel.status), *screen.lines, *screen.codes, caplog.text)
        assert "CANARY" in stored(tmp_path)
        assert "CANARY" not in "".join(shown)
        assert "CANARY" not in "".join(world.server.traffic)


async def test_the_state_is_asked_for_where_wechat_says_and_calls_go_to_the_address_it_names(
    tmp_path: Path,
) -> None:
    async with wechat() as world:
        logins = world.server.logins
        logins.plans = [["redirect", "scaned", "confirmed"]]
        logins.redirect_host = world.server.second.removeprefix("http://")
        logins.base = world.server.second + "/"
        await log_in(world, tmp_path, Screen())
        polls = [call.host for call in world.server.calls if call.method == "get_qrcode_status"]
        assert polls[1:] == [logins.redirect_host] * 2
        async with opened(world, [say("Blue.")], folder=tmp_path, token_env=""):
            world.people.says("Why?", user=ADA)
            await world.sees(1)
        assert {call.host for call in world.server.called("sendmessage")} == {logins.redirect_host}


async def test_an_expired_code_is_replaced_a_few_times(tmp_path: Path) -> None:
    screen = Screen()
    async with wechat() as world:
        world.server.logins.plans = [["wait", "expired"], ["expired"], ["confirmed"]]
        await log_in(world, tmp_path, screen)
        assert len(screen.codes) == len(set(screen.codes)) == 3
        world.server.logins.codes.clear()
        world.server.logins.plans = [["expired"]] * 4
        with pytest.raises(Transient, match="expired"):
            await log_in(world, tmp_path, screen)


async def test_the_number_on_the_phone_is_asked_for_until_it_matches(tmp_path: Path) -> None:
    screen = Screen("7", "42")
    async with wechat() as world:
        world.server.logins.plans = [["scaned", "verify", "confirmed"]]
        assert await log_in(world, tmp_path, screen) == BOT
        first, second = screen.questions
        assert "number" in first
        assert "does not match" in second


async def test_after_too_many_wrong_numbers_there_is_a_new_code(tmp_path: Path) -> None:
    screen = Screen("1", "2", "3", "42")
    async with wechat() as world:
        world.server.logins.plans = [["verify"], ["verify", "confirmed"]]
        assert await log_in(world, tmp_path, screen) == BOT
        assert len(screen.codes) == 2
        assert "does not match" not in screen.questions[-1]


async def test_a_bot_that_is_connected_already_keeps_its_login(tmp_path: Path) -> None:
    async with wechat() as world:
        logins = world.server.logins
        logins.plans = [["confirmed"], ["binded_redirect"]]
        await log_in(world, tmp_path, Screen())
        before = stored(tmp_path)
        assert await log_in(world, tmp_path, Screen()) == BOT
        assert logins.known == [[], [logins.token]]
        assert stored(tmp_path) == before


async def test_a_bot_that_is_connected_elsewhere_is_explained(tmp_path: Path) -> None:
    async with wechat() as world:
        world.server.logins.plans = [["binded_redirect"]]
        with pytest.raises(Misconfigured, match="not stored here"):
            await log_in(world, tmp_path, Screen())
        assert list(tmp_path.iterdir()) == []


async def test_a_login_that_nobody_confirms_ends(tmp_path: Path) -> None:
    async with wechat() as world:
        world.server.logins.plans = [["wait"]]
        with pytest.raises(Transient, match="in time"):
            await log_in(world, tmp_path, Screen())


async def test_a_refusal_on_the_phone_is_said(tmp_path: Path) -> None:
    async with wechat() as world:
        world.server.logins.plans = [["scaned", "denied"]]
        with pytest.raises(Rejected, match="refused"):
            await log_in(world, tmp_path, Screen())


@pytest.mark.parametrize("address", ["ftp://127.0.0.1", "http://", "file:///etc/passwd"])
async def test_the_token_goes_to_no_strange_address(tmp_path: Path, address: str) -> None:
    async with wechat() as world:
        world.server.logins.plans = [["confirmed"]]
        world.server.logins.base = address
        with pytest.raises(Rejected, match="not secure"):
            await log_in(world, tmp_path, Screen())


async def test_a_login_that_cannot_be_kept_is_refused_before_it_begins(tmp_path: Path) -> None:
    async with wechat() as world:
        with pytest.raises(Misconfigured, match="remove token_env"):
            await log_in(world, tmp_path, Screen(), token_env="WECHAT_TOKEN")
        with pytest.raises(Misconfigured, match="data directory"):
            await world.platform(None, token_env="").login(Screen())
        assert world.server.calls == []


@pytest.mark.parametrize("key", ["ret", "errcode"])
@pytest.mark.parametrize("method", ["getupdates", "sendmessage", "msg/notifystart"])
async def test_a_stale_login_says_how_to_log_in(tmp_path: Path, method: str, key: str) -> None:
    async with wechat() as world:
        world.server.logins.plans = [["confirmed"]]
        await log_in(world, tmp_path, Screen())
        async with opened(world, [say("Blue.")], folder=tmp_path, token_env="") as lab:
            world.server.faults = [Fault(method, code=-14, key=key)]
            world.people.says("Why?", user=ADA)
            await world.until(lambda: lab.channel.status.condition == "failed")
            assert "run `thinkaloud channels login wechat`" in lab.channel.status.detail
            assert "CANARY" not in lab.channel.status.detail
            await world.until(lambda: world.texts() == ["Blue."], step=10)  # Connected again.


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "nobody has logged in"), ("{", "unreadable")]
)
async def test_a_missing_or_damaged_login_says_how_to_log_in(
    tmp_path: Path, content: str | None, reason: str
) -> None:
    if content is not None:
        (tmp_path / "login.json").write_text(content)
    async with wechat() as world, opened(world, folder=tmp_path, token_env="") as lab:
        await world.until(lambda: lab.channel.status.condition == "failed")
        assert reason in lab.channel.status.detail
        assert "thinkaloud channels login wechat" in lab.channel.status.detail
        (check,) = await world.platform(tmp_path, token_env="").check()
        assert not check.ok
        assert reason in check.detail


async def test_the_check_names_the_bot_and_receives_nothing(tmp_path: Path) -> None:
    async with wechat() as world:
        world.server.logins.plans = [["confirmed"]]
        await log_in(world, tmp_path, Screen())
        world.server.calls.clear()
        platform = world.platform(tmp_path, token_env="")
        (check,) = await platform.check()
        assert (check.ok, check.detail) == (True, BOT)
        assert [call.method for call in world.server.calls] == ["getconfig"]
        world.server.tokens.clear()
        (check,) = await platform.check()
        assert not check.ok
        assert "channels login wechat" in check.detail
        await platform.close()


async def test_a_token_from_the_environment_is_named_by_its_variable() -> None:
    async with wechat() as world:
        platform = world.platform()
        (check,) = await platform.check()
        assert (check.ok, check.detail) == (True, "the token in WECHAT_TOKEN")
        await platform.close()
        world.environment = {}
        (check,) = await world.platform().check()
        assert "WECHAT_TOKEN is not set" in check.detail
