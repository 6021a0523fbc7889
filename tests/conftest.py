"""For all tests: no connection leaves this machine, and Hypothesis is reproducible in CI."""

import gc
import ipaddress
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from blockbuster import blockbuster_ctx
from hypothesis import HealthCheck, settings

from tests.thoroughness import SOAK

if TYPE_CHECKING:
    from tests.postgres import PostgresServer

settings.register_profile("dev", deadline=None)
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],  # a loaded CI machine is no fault of the test
)
settings.register_profile("soak", settings.get_profile("dev"), max_examples=2_000)
settings.load_profile("soak" if SOAK else "ci" if os.environ.get("CI") else "dev")


TESTS = Path(__file__).parent


class OutsideConnection(RuntimeError):
    """A test reached for the network. Tests speak to loopback only."""


_attempts: list[str] = []
_DIALS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_LOOKUPS = {"socket.getaddrinfo", "socket.gethostbyname"}


def _address(host: object) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return None


def _dials_out(address: object) -> bool:
    """Whether this is an internet address, and not one of this machine's own."""
    if not isinstance(address, tuple) or not isinstance(address[0], str):
        return False
    number = _address(address[0])
    if number is None:
        return _asks_outside(address[0])
    return not (number.is_loopback or number.is_unspecified)


def _asks_outside(host: object) -> bool:
    """Whether finding out this host's address asks anybody else."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if not isinstance(name, str) or _address(name) is not None:
        return False
    return name not in ("", "localhost") and not name.endswith(".localhost")


def _network_guard(event: str, args: tuple[Any, ...]) -> None:
    """Refuse a socket operation that would leave the machine, from any code in this process.

    CPython announces each of them as an audit event before it happens, under any library. (uvloop's own sockets are
    not announced; tests run on asyncio's loop.)
    """
    if event in _DIALS:
        target, outside = args[1], _dials_out(args[1])
    elif event in _LOOKUPS:
        target, outside = args[0], _asks_outside(args[0])
    else:
        return
    if outside:
        _attempts.append(f"{event} {target}")
        raise OutsideConnection(f"{event} {target}: tests speak to loopback only")


sys.addaudithook(_network_guard)


gc.disable()  # until the tests are collected


def pytest_configure(config: pytest.Config) -> None:
    """Let every other worker collect in reverse, so that two workers share the compiling in a clean checkout.

    Every worker imports all tests. What one has compiled, the other reads from the cache.
    """
    if config.args == ["tests"] and os.environ.get("PYTEST_XDIST_WORKER", "gw0")[-1] in "13579":
        config.args = [
            str(path) for path in sorted(TESTS.iterdir(), reverse=True) if _has_tests(path)
        ]


def _has_tests(path: Path) -> bool:
    return (path.is_dir() and path.name[0].isalpha()) or path.match("test_*.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Return to the order of all workers."""
    items.sort(key=lambda item: item.path.relative_to(TESTS).parts[0])


def pytest_collection_finish() -> None:
    """Exclude what the tests import from garbage collection.

    With the SDKs of all platforms, these are millions of objects, which take most of a second to traverse.
    """
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def loopback_only() -> Iterator[None]:
    """Fail a test that reached for the network, even where the code under test swallowed the error."""
    yield
    attempts = list(_attempts)
    _attempts.clear()
    if attempts:
        pytest.fail(f"the test reached outside this machine: {'; '.join(attempts)}", pytrace=False)


@pytest.fixture
def nonblocking() -> Iterator[None]:
    """Fail an async test in which thinkaloud itself blocks the event loop (file, socket, sleep, sqlite)."""
    with blockbuster_ctx(["thinkaloud"]):
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator["PostgresServer"]:
    """A PostgreSQL server, started when the first test needs it."""
    from tests.postgres import postgres_server as started  # noqa: PLC0415 - few tests need it

    with started() as server:
        yield server
