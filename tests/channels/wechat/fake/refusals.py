"""What the fake iLink API refuses."""


class Refusal(Exception):
    """A call that is answered with an error: an HTTP status, or a code in the body."""

    def __init__(
        self, code: int, message: str = "", *, status: int = 200, key: str = "ret"
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.key = key
