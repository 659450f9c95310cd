"""The guard: a table of what callbacks must not reach, and what they may."""

from __future__ import annotations

import socket

import pytest

from tradefree.callbacks.guard import AddressRefused, Guard
from tradefree.errors import InvalidInput

REFUSED = [
    "0.0.0.0",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.254",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001::200e",
    "2001:4860:4860::8888",
    "2400:3200::1",
]


def in_url(address: str) -> str:
    return f"[{address.replace('%', '%25')}]" if ":" in address else address


def info(address: str) -> tuple[object, ...]:
    """As getaddrinfo gives it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, 443)


@pytest.mark.parametrize("address", REFUSED)
def test_what_is_not_public_is_refused_in_a_url_and_before_a_connection(address: str) -> None:
    guard = Guard()
    with pytest.raises(InvalidInput, match=r"callback_url: leads to .* is not public"):
        guard.check(f"http://{in_url(address)}:8080/hook", field="callback_url")
    with pytest.raises(AddressRefused, match="is not public"):
        guard.socket(info(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_allowed(address: str) -> None:
    guard = Guard()
    guard.check(f"https://{in_url(address)}/hook", field="url")
    guard.socket(info(address)).close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://example.com/x", "http:// or https://"),
        ("file:///etc/passwd", "http:// or https://"),
        ("gopher://example.com/_x", "http:// or https://"),
        ("//example.com", "http:// or https://"),
        ("example.com/hook", "http:// or https://"),
        ("https://", "no host"),
        ("https:///hook", "no host"),
        ("https://user@example.com/", "no user and password"),
        ("https://user:secret@example.com/", "no user and password"),
        ("https://example.com\\@127.0.0.1/", "no user and password"),
        ("https://example.com\\.evil.example/", "no URL has"),
        ("https://example.com/a b", "no URL has"),
        ("https://exam\tple.com/", "no URL has"),
        ("https://127%2e0%2e0%2e1/", "no good host"),
        ("https://exämple.com/", "xn--"),
        ("https://①②⑦.0.0.1/", "xn--"),
        ("https://[::1/", "is not a URL"),
        ("https://[zz]/", "is not a URL"),
        ("https://example.com:99999/", "is not a URL"),
        ("https://example.com:0/", "port 0"),
        ("https://-example.com/", "no good host"),
        ("https://127.1/", "canonical"),
        ("https://2130706433/", "canonical"),
        ("https://0x7f000001/", "canonical"),
        ("https://0x7f.0.0.1/", "canonical"),
        ("https://0177.0.0.1/", "canonical"),
        ("https://017700000001/", "canonical"),
        ("https://127.0.0.1./", "canonical"),
        ("https://10.0.0/", "canonical"),
        ("https://256.256.256.256/", "canonical"),
        ("https://example.0x7f/", "canonical"),
        ("https://localhost/", "not public"),
        ("https://LOCALHOST:8080/", "not public"),
        ("https://localhost./", "not public"),
        ("https://api.localhost/", "not public"),
        ("https://redis:6379/", "not public"),
        ("https://printer.local/", "not public"),
        ("https://kubernetes.default.svc.cluster.local/", "not public"),
        ("https://metadata.google.internal/computeMetadata/v1/", "not public"),
    ],
)
def test_urls_that_are_refused_before_anything_is_resolved(url: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        Guard().check(url, field="url")
    assert refused.value.field == "url"
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/x?token=1",
        "http://hooks.example.com:8080/",
        "https://xn--exmple-cua.com/",
        "https://HOOKS.example.com./x",
        "https://a_b.example.com",
        "https://example.com",
        "https://1.example.com/",
    ],
)
def test_names_of_the_internet_are_good(url: str) -> None:
    Guard().check(url, field="url")


def test_a_network_that_is_allowed() -> None:
    guard = Guard(["10.1.0.0/16", "fd00::/8", "127.0.0.1"])
    for address in ("10.1.2.3", "fd12::1", "127.0.0.1"):
        guard.check(f"http://{in_url(address)}/", field="url")
        guard.socket(info(address)).close()
    for address in ("10.2.0.1", "fe80::1", "127.0.0.2", "::ffff:10.1.2.3"):
        with pytest.raises(AddressRefused):
            guard.socket(info(address))


def test_a_host_that_is_allowed_may_lead_anywhere_and_no_other() -> None:
    guard = Guard(["Hooks.Corp.example", "localhost", ".inner.example", "redis"])
    for host in ("hooks.corp.example", "HOOKS.corp.example.", "localhost", "a.b.inner.example", "redis"):
        assert guard.trusts(host)
        assert guard.problem(f"http://{host}/") is None
    for host in ("corp.example", "xhooks.corp.example", "inner.example", "evilinner.example", "api.localhost"):
        assert not guard.trusts(host)


def test_no_socket_of_another_family() -> None:
    with pytest.raises(AddressRefused):
        Guard(["0.0.0.0/0"]).socket((socket.AF_UNIX, socket.SOCK_STREAM, 0, "", "/run/docker.sock"))
