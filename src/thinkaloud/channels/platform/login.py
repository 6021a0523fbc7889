"""The seam for platforms whose login needs a person: `thinkaloud channels login`."""

from collections.abc import Awaitable
from typing import Protocol, runtime_checkable


class LoginScreen(Protocol):
    """What a platform shows to the person who logs in."""

    def show_code(self, url: str) -> None:
        """Show a QR code for this address, and the address. A later code replaces it."""
        ...

    def report(self, text: str) -> None:
        """Show a line about the progress."""
        ...

    def ask(self, question: str) -> Awaitable[str]:
        """Ask a question and return the answer, without surrounding white space."""
        ...


@runtime_checkable
class LoginPlatform(Protocol):
    """A platform with a login of its own. Optional, beside `Platform`."""

    async def login(self, screen: LoginScreen) -> str:
        """Log in, keep the credentials in the platform's folder, and return the account's name.

        Credentials are written with mode 0600 and never shown. Raises `Misconfigured`,
        `Transient`, or `Rejected` if the person refused.
        """
        ...
