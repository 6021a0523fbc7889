"""Logs in with a QR code.

Source: Tencent, `src/auth/login-qr.ts` of openclaw-weixin; https://github.com/Tencent/openclaw-weixin.
"""

from typing import Final
from urllib.parse import urlsplit

from thinkaloud.channels.platform.errors import Misconfigured, Rejected, RetryLater, Transient
from thinkaloud.channels.platform.login import LoginScreen
from thinkaloud.channels.wechat.api import Api
from thinkaloud.channels.wechat.credentials import Credentials
from thinkaloud.channels.wechat.protocol import QrCode, QrStatus
from thinkaloud.ports.clock import Clock

_MAX_CODES: Final = 3
_MAX_MS: Final = 480_000
_POLL_SECONDS: Final = 40.0
_PAUSE_SECONDS: Final = 1.0
_BOT: Final = "3"
_OVER: Final = {
    "expired": "The code has expired. Here is a new one.",
    "verify_code_blocked": "Too many wrong numbers. Here is a new code.",
}
"""The states in which a code can't be used any more."""
_REFUSED: Final = frozenset({"canceled", "cancelled", "denied", "refused", "rejected"})


class QrLogin:
    """One login."""

    def __init__(
        self, base: str, clock: Clock, screen: LoginScreen, known: Credentials | None
    ) -> None:
        self._api = Api(base)
        """Codes come from here. Their state may have to be asked for elsewhere."""
        self._asked = Api(base)
        self._clock = clock
        self._screen = screen
        self._known = known
        self._code = ""
        self._codes = 0
        self._verify_code = ""
        self._seen = ""

    async def run(self) -> Credentials:
        """Return the credentials of the new login, or those that are still valid.

        Raises `Misconfigured`, `Transient` or `Rejected`.
        """
        try:
            end = self._clock.steady_ms() + _MAX_MS
            await self._new_code()
            while self._clock.steady_ms() < end:
                status = await self._status()
                if found := await self._handle(status):
                    return found
                if status.status != "need_verifycode":
                    await self._clock.sleep(_PAUSE_SECONDS)
            raise Transient("nobody confirmed the login in time: run the command again")
        finally:
            await self._api.close()
            await self._asked.close()

    async def _new_code(self) -> None:
        """Ask for a code and show it. Raises `Transient` after several."""
        self._codes += 1
        if self._codes > _MAX_CODES:
            raise Transient("the codes have expired: run the command again")
        tokens = [self._known.token] if self._known else []
        path = f"get_bot_qrcode?bot_type={_BOT}"
        code = await self._api.post(path, {"local_token_list": tokens}, QrCode)
        if not code.qrcode or not code.qrcode_img_content:
            raise Transient("WeChat sent no code")
        self._code, self._verify_code, self._seen = code.qrcode, "", ""
        if self._asked.base != self._api.base:
            await self._ask_at(self._api.base)
        self._screen.show_code(code.qrcode_img_content)
        self._screen.report("Scan the code with WeChat on your phone.")

    async def _status(self) -> QrStatus:
        """Ask for the state of the code. A failure counts as waiting, as in Tencent's client."""
        query = {"qrcode": self._code}
        if self._verify_code:
            query["verify_code"] = self._verify_code
        try:
            return await self._asked.get(
                "get_qrcode_status", query, QrStatus, seconds=_POLL_SECONDS
            )
        except RetryLater as error:
            await self._clock.sleep(error.seconds)
        except Transient:
            pass
        return QrStatus()

    async def _handle(self, status: QrStatus) -> Credentials | None:
        """Do what a state demands. Returns the credentials once there are some."""
        changed, self._seen = status.status != self._seen, status.status
        match status.status:
            case "confirmed":
                return self._confirmed(status)
            case "binded_redirect":
                return self._already_bound()
            case "scaned":
                self._verify_code = ""
                if changed:
                    self._screen.report("Scanned. Confirm the login on the phone.")
            case "scaned_but_redirect" if status.redirect_host:
                await self._ask_at(self._address(status.redirect_host))
            case "need_verifycode":
                wrong = "That number does not match. " if self._verify_code else ""
                question = f"{wrong}Enter the number that WeChat shows on the phone:"
                self._verify_code = await self._screen.ask(question)
            case reason if reason in _OVER:
                self._screen.report(_OVER[reason])
                await self._new_code()
            case reason if reason in _REFUSED:
                raise Rejected("the login was refused on the phone")
            case _:
                pass
        return None

    def _confirmed(self, status: QrStatus) -> Credentials:
        if not status.bot_token or not status.ilink_bot_id:
            raise Transient("WeChat confirmed the login without a token: run the command again")
        base = self._address(status.baseurl) if status.baseurl else self._asked.base
        user = status.ilink_user_id
        return Credentials(status.bot_token, base, status.ilink_bot_id, user)

    def _already_bound(self) -> Credentials:
        if self._known is None:
            raise Misconfigured(
                "this bot is connected already, but its login is not stored here: remove the bot in"
                " WeChat, then log in again"
            )
        self._screen.report("This bot is connected already; the stored login stays valid.")
        return self._known

    async def _ask_at(self, base: str) -> None:
        await self._asked.close()
        self._asked = Api(base)

    def _address(self, place: str) -> str:
        """Return an address that WeChat named. Tokens are never sent without TLS, unless `api_base` is."""
        scheme = urlsplit(self._api.base).scheme
        address = place if "://" in place else f"{scheme}://{place}"
        if urlsplit(address).scheme not in {scheme, "https"} or not urlsplit(address).hostname:
            raise Rejected("WeChat named an address that is not secure")
        return address.rstrip("/")
