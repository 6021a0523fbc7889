from ipaddress import ip_address

import pytest

from thinkaloud.errors import InvalidRequest, NotFound
from thinkaloud.tools import UrlGuard
from thinkaloud.tools.url_guard import MAX_URL, UNREACHABLE, is_public, system_lookup

PRIVATE_HOSTS = [
    "127.0.0.1",
    "127.1",
    "127.0.0.1.",
    "0",
    "0.0.0.0",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "0x",
    "example.0x7f",
    "256.256.256.256",
    "①②⑦.⓪.⓪.①",
    "２１３０７０６４３３",
    "%31%32%37.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:169.254.169.254]",
    "[::ffff:0:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::169.254.169.254]",
    "[64:ff9b:1::808:808]",
    "[2002:7f00:1::]",
    "[2002:a9fe:a9fe::1]",
    "[2001:0:7f00:1::]",
    "[2001:0:808:808:0:0:80ff:fffe]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fec0::1]",
    "[ff02::1]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[100::1]",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "ｌocalhost",
    "a.localhost",
    "printer.local",
    "metadata.google.internal",
    "metadata.google.internal.",
    "router.home.arpa",
    "h%00",
    "a..b",
    "-" * 300,
]


@pytest.mark.parametrize("host", PRIVATE_HOSTS)
def test_a_host_that_is_not_public_is_refused_without_a_reason(host: str) -> None:
    for scheme in ("http", "https"):
        with pytest.raises(NotFound) as caught:
            UrlGuard().check(f"{scheme}://{host}/latest/meta-data")
        assert caught.value.message == UNREACHABLE


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "//example.org/",
        "http:",
        "http:///x",
        "http:example.org",
        "file:///etc/passwd",
        "gopher://example.org/",
        "ftp://example.org/",
        "ws://example.org/",
        "wss://example.org/",
        "data:text/plain,hello",
        "javascript:alert(1)",
        "unix:///run/docker.sock",
        "http+unix://run/x",
        "http://user@example.org/",
        "http://user:pass@example.org/",
        "http://:pass@example.org/",
        "http://127.0.0.1%2f@example.org/",
        "http://example.org\\@127.0.0.1/",
        "http:\\\\127.0.0.1\\",
        "http://example.org/\\..\\x",
        "http://exam\tple.org/",
        "http://example.org/\r\nHost: x",
        "http://example.org/\0",
        " http://example.org/",
        "http://example.org/a b",
        "http://exam\u00adple.org/",
        "http://example.org/\u202e",
        "http://example.org/\ud800",
        "http://example.org:0/",
        "http://example.org:99999/",
        "http://example.org:-1/",
        "http://example.org:port/",
        "http://[::1/",
        "http://[::1]x/",
        "http://example.org/" + "x" * MAX_URL,
    ],
)
def test_an_invalid_url_is_refused_with_the_reason(url: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        UrlGuard().check(url)
    assert caught.value.field == "url"
    assert UNREACHABLE not in caught.value.message


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://example.org", "https://example.org/"),
        ("HTTP://EXAMPLE.org:80/a%20b?q=1#part", "http://example.org:80/a%20b?q=1"),
        ("http://allowed.example#@127.0.0.1/", "http://allowed.example/"),
        ("http://127.0.0.1.evil.example/", "http://127.0.0.1.evil.example/"),
        ("http://8.8.8.8:8080/", "http://8.8.8.8:8080/"),
        ("http://[2001:4860:4860::8888]/", "http://[2001:4860:4860::8888]/"),
        ("http://[64:ff9b::808:808]/", "http://[64:ff9b::808:808]/"),
        # Python 3.13 writes such an address in another way.
        ("http://[::ffff:8.8.8.8]/", f"http://[{ip_address('::ffff:8.8.8.8')}]/"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://my_host.example./", "https://my_host.example./"),
    ],
)
def test_a_public_url_is_requested_without_its_fragment(url: str, asked: str) -> None:
    checked = UrlGuard().check(url)
    assert f"{checked.scheme}://{checked.raw_authority}{checked.raw_path_qs}" == asked
    assert checked.raw_fragment == ""


def test_https_only_is_the_operators_choice() -> None:
    guard = UrlGuard(https_only=True)
    guard.check("https://example.org/")
    with pytest.raises(InvalidRequest, match="Only https"):
        guard.check("http://example.org/")


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:8080/x", True),
        ("http://WIKI.local/x", True),
        ("http://[::1]:8080/x", True),
        ("http://127.0.0.1:8081/x", False),
        ("http://127.0.0.1/x", False),
        ("https://wiki.local/x", False),
        ("http://wiki.local./x", False),
        ("http://2130706433:8080/x", False),
        ("http://[::ffff:127.0.0.1]:8080/x", False),
        ("http://127.0.0.2:8080/x", False),
    ],
)
def test_a_private_host_is_allowed_by_exact_name_and_port(url: str, allowed: bool) -> None:
    guard = UrlGuard(allow_private=frozenset({"127.0.0.1:8080", "Wiki.local:80", "[::1]:8080"}))
    if allowed:
        guard.check(url)
    else:
        with pytest.raises(NotFound):
            guard.check(url)


@pytest.mark.parametrize("text", ["", "localhost", "1", "0177.0.0.1", "8.8.8.8 ", "8.8.8", "::g"])
def test_a_non_canonical_address_is_not_public(text: str) -> None:
    assert not is_public(text)


async def test_the_systems_lookup_gives_addresses_and_does_not_block(nonblocking: None) -> None:
    assert set(await system_lookup("localhost", 80)) <= {"127.0.0.1", "::1"}
