"""Logins with a QR code on the fake iLink API."""

from typing import Any

from tests.channels.wechat.fake.refusals import Refusal

BOT = "bot-1@im.bot"
OWNER = "owner@im.wechat"
VERIFY_CODE = "42"


class Logins:
    """Each code goes through states, one at each poll; `confirmed` makes the token valid."""

    def __init__(self) -> None:
        self.plans: list[list[str]] = []
        """The states of the codes in order: `wait`, `scaned`, `redirect`, `verify`, `confirmed` …"""
        self.codes: list[str] = []
        self.known: list[list[str]] = []
        """The tokens that clients named when they asked for a code."""
        self.redirect_host = ""
        self.token = "CANARY-token-of-the-login"
        self.base = ""
        self._wrong = 0
        self._redirected = False

    def new_code(self, body: dict[str, Any], bot_type: str) -> dict[str, Any]:
        if bot_type != "3" or not isinstance(body.get("local_token_list"), list):
            raise Refusal(-1, "invalid request")
        self.known.append(body["local_token_list"])
        self.codes.append(f"code-{len(self.codes) + 1}")
        self._redirected = False
        url = f"https://liteapp.weixin.qq.com/q/{self.codes[-1]}"
        return {"ret": 0, "qrcode": self.codes[-1], "qrcode_img_content": url}

    def status(self, code: str, verify_code: str | None, host: str) -> dict[str, Any]:
        """Return the state of a code, and go to the next."""
        plan = self.plans[self.codes.index(code)]
        if self._redirected and host != self.redirect_host:
            raise Refusal(-1, "", status=502)
        state = plan[0]
        if state == "verify":
            return self._verified(plan, verify_code)
        if len(plan) > 1:
            plan.pop(0)
        if state == "redirect":
            self._redirected = True
            return {"status": "scaned_but_redirect", "redirect_host": self.redirect_host}
        if state == "confirmed":
            return {
                "status": "confirmed",
                "bot_token": self.token,
                "ilink_bot_id": BOT,
                "ilink_user_id": OWNER,
                "baseurl": self.base,
            }
        if state == "lost":
            raise Refusal(-1, "", status=524)
        return {"status": state}

    def _verified(self, plan: list[str], verify_code: str | None) -> dict[str, Any]:
        if verify_code == VERIFY_CODE:
            plan.pop(0)
            return {"status": "scaned"}
        if verify_code is not None:
            self._wrong += 1
            if self._wrong >= 3:
                self._wrong = 0
                return {"status": "verify_code_blocked"}
        return {"status": "need_verifycode"}
