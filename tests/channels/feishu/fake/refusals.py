"""Feishu's errors: a status, a code and a message, sometimes with headers."""

from collections.abc import Mapping
from typing import Any


class Refused(Exception):
    """An error answer."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        status: int = 400,
        headers: Mapping[str, str] | None = None,
        error: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.headers = dict(headers or {})
        self.error = error

    def body(self) -> dict[str, Any]:
        answer: dict[str, Any] = {"code": self.code, "msg": self.message}
        return answer | ({"error": dict(self.error)} if self.error else {})


def too_often(reset: float) -> Refused:
    """The app calls a method too often."""
    headers = {"x-ogw-ratelimit-limit": "50", "x-ogw-ratelimit-reset": f"{reset:g}"}
    return Refused(99991400, "request trigger frequency limit", headers=headers)
