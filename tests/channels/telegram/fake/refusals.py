"""The errors of the fake Bot API."""

from typing import Any


class Refusal(Exception):
    """A call that the server answers with an error."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "ok": False,
            "error_code": self.code,
            "description": self.description,
        }
        return found | ({"parameters": self.parameters} if self.parameters else {})


def bad_request(description: str) -> Refusal:
    return Refusal(400, f"Bad Request: {description}")


def too_many(seconds: float) -> Refusal:
    whole = max(1, -(-int(seconds * 1000) // 1000))
    return Refusal(429, f"Too Many Requests: retry after {whole}", retry_after=whole)
