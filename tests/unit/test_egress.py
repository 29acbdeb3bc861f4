"""Where webhooks may go: no spelling of a private address, and no name that stands for one, gets through."""

import socket
from typing import Any

import pytest

from lib.egress import ADDRESS, Egress, Refused
from lib.settings import SettingsError, load_settings

PUBLIC = "93.184.216.34"


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every name stand for these addresses."""

    def found(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", found)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://127.0.0.1./",
        "http://0/",
        "http://0.0.0.0/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://a.localhost/",
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://192.168.0.1/",
        "http://100.64.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://168.63.129.16/metadata",
        "http://224.0.1.1/",
        "http://240.0.0.1/",
        "http://255.255.255.255/",
        "http://192.0.2.1/",
        "http://192.0.0.8/",
        "http://192.0.0.192/opc/v1/instance/",
        "http://192.88.99.1/",
        "http://198.18.0.1/",
        "http://100.100.100.200/latest/meta-data/",
        "http://127.0.1/",
        "http://0x7f.1/",
        "http://017700000001/",
        "http://127.0.0.1.:8080/",
        "http://①②⑦.0.0.1/",
        "http://127。0。0。1/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::127.0.0.1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[0:0:0:0:0:ffff:127.0.0.1]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[::ffff:0:127.0.0.1]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[64:ff9b::10.0.0.1]/",
        "http://[64:ff9b:1::a00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[2001:0:7f00:1::]/",
        "http://[fe80::1]/",
        "http://[fe80::1%25eth0]/",
        "http://[2606:4700::1111%25eth0]/",
        "http://[fd00:ec2::254]/",
        "http://[ff02::1]/",
        "http://[2001:db8::1]/",
        "http://[2001:20::1]/",
        "http://[3fff::1]/",
        "http://[5f00::1]/",
        "http://[100::1]/",
        "http://[fec0::1]/",
    ],
)
def test_no_spelling_of_a_private_address_is_taken(url: str) -> None:
    with pytest.raises(Refused):
        Egress().endpoint(url)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://example.org:70/",
        "//example.org/",
        "example.org",
        "",
        "http://",
        "http:///path",
        "http://example.org:99999/",
        "http://example.org:22/",
        "http://example.org:x/",
        "http://example.org:0/",
        "http://example.org:443:80/",
        "http:/example.org/",
        "http://[::1]:80@example.org/",
        "http://example.org%0d%0aHost:x/",
        "http://exa%00mple.org/",
        "http://example.org/\x00",
        "http://example.org\u2028/",
        "http://user:secret@example.org/",
        "http://example.org@127.0.0.1/",
        "http://example.org#@127.0.0.1/",
        "http://example.org\\@127.0.0.1/",
        "http://exa mple.org/",
        "http://example.org/\r\nHost: other",
        "http://example.org/\ttab",
        "http://exämple.org/",
        "http://%31%32%37.0.0.1/",
        "http://-example.org/",
        "http://[::1",
        "https://example.org/" + "a" * 2_048,
    ],
)
def test_what_is_no_plain_url_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        Egress().endpoint(url)


@pytest.mark.parametrize(
    ("url", "tls", "authority", "target"),
    [
        ("https://example.org", True, "example.org", "/"),
        ("HTTPS://Example.ORG:443/a%20b?c=d&e", True, "example.org", "/a%20b?c=d&e"),
        ("http://example.org:8080/x", False, "example.org:8080", "/x"),
        (f"http://{PUBLIC}/", False, PUBLIC, "/"),
        ("https://[2606:4700::1111]:8443/", True, "[2606:4700::1111]:8443", "/"),
        ("https://xn--bcher-kva.example/", True, "xn--bcher-kva.example", "/"),
        ("https://under_score.example.org./", True, "under_score.example.org", "/"),
    ],
)
def test_a_public_url_is_read_as_it_is_meant(url: str, tls: bool, authority: str, target: str) -> None:
    endpoint = Egress().endpoint(url)
    assert (endpoint.tls, endpoint.authority, endpoint.target) == (tls, authority, target)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "fd00::1",
        "fe80::1%lo",
        "169.254.169.254",
        "192.0.0.192",
        "0.0.0.0",
    ],
)
def test_a_name_that_stands_for_a_private_address_is_refused_when_it_is_sent(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    egress = Egress()
    endpoint = egress.endpoint("https://hooks.example.org/")
    resolve_to(monkeypatch, address)
    with pytest.raises(Refused, match="WEBHOOK_ALLOW"):
        egress.addresses(endpoint)


def test_one_private_address_among_public_ones_is_one_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    egress = Egress()
    resolve_to(monkeypatch, PUBLIC, "2606:4700::1111", "10.0.0.1")
    with pytest.raises(Refused):
        egress.addresses(egress.endpoint("https://hooks.example.org/"))
    resolve_to(monkeypatch, PUBLIC, "2606:4700::1111", PUBLIC)
    assert egress.addresses(egress.endpoint("https://hooks.example.org/")) == [PUBLIC, "2606:4700::1111"]


@pytest.mark.parametrize(
    ("allow", "url", "address", "allowed"),
    [
        ("10.1.0.0/16", "http://10.1.2.3/", "10.1.2.3", True),
        ("10.1.0.0/16", "http://10.2.0.1/", "10.2.0.1", False),
        ("10.1.0.0/16", "http://[::ffff:10.1.2.3]/", "::ffff:10.1.2.3", True),
        ("10.1.0.0/16", "http://hooks.tools.svc/", "10.1.2.3", True),
        ("hooks.tools.svc", "http://hooks.tools.svc/", "10.1.2.3", True),
        ("hooks.tools.svc", "http://other.tools.svc/", "10.1.2.3", False),
        (".tools.svc", "http://hooks.tools.svc:81/", "10.1.2.3", True),
        (".tools.svc", "http://eviltools.svc/", "10.1.2.3", False),
        ("localhost", "http://localhost/", "127.0.0.1", True),
        ("127.0.0.1/32", "http://localhost/", "127.0.0.1", True),
    ],
)
def test_what_is_allowed_by_name_or_network_may_be_private(
    monkeypatch: pytest.MonkeyPatch, allow: str, url: str, address: str, allowed: bool
) -> None:
    egress = Egress([allow])
    resolve_to(monkeypatch, address)

    def look() -> list[str]:
        return egress.addresses(egress.endpoint(url))

    if allowed:
        assert look() == [address]
    else:
        with pytest.raises(Refused):
            look()


@pytest.mark.parametrize("text", ["10.0.0.0/33", "a b", "-x", "http://a", "127.1"])
def test_an_exception_that_is_none_stops_the_start(text: str) -> None:
    with pytest.raises(SettingsError, match="WEBHOOK_ALLOW"):
        load_settings(webhook_allow=text)


@pytest.mark.parametrize("secret", ["secret", "whsec_", "whsec_!!!!", "whsec_c2hvcnQ=", f"whsec_{'A' * 32} plain"])
def test_a_secret_of_another_form_stops_the_start(secret: str) -> None:
    with pytest.raises(SettingsError, match=r"WEBHOOK_SECRET.*openssl"):
        load_settings(webhook_secret=secret)


def test_a_mail_server_without_a_sender_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="SMTP_FROM"):
        load_settings(smtp_host="mail")
    assert load_settings(smtp_host="mail", smtp_from="Jobs <jobs@example.org>").smtp_port == 587


@pytest.mark.parametrize("text", ["ann@example.org", "a.b+c@mail.example.org", "x" * 64 + "@example.org"])
def test_addresses_of_mail_are_known(text: str) -> None:
    assert ADDRESS.match(text)


@pytest.mark.parametrize(
    "text",
    [
        *("ann", "ann@", "@example.org", "ann@localhost", "ann@exa mple.org", "ann@example.org\nBcc: all@example.org"),
        *(
            "ann@example.org,bob@example.org",
            '"ann"@example.org',
            "änn@example.org",
            "ann@example..org",
            "x" * 65 + "@example.org",
        ),
    ],
)
def test_what_is_no_address_of_mail_is_known_too(text: str) -> None:
    assert not ADDRESS.match(text)
