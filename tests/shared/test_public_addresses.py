"""Which addresses the vault may be told to post to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault import public_addresses
from photovault.errors import Invalid
from photovault.public_addresses import Target, chosen, is_public, parse

PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "99.255.255.255", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"]
INSIDE = [
    str(IPv4Address(0)), "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1",
    "127.8.8.8",
    "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1",
    "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255",
    "::", "::1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::8.8.8.8", "64:ff9b::a00:1", "64:ff9b::808:808",
    "64:ff9b:1::a00:1", "100::1", "2001::1", "2001:0:4136:e378::1", "2001:20::1", "2001:db8::1", "2002:a00:1::1",
    "2002:808:808::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_special_is_not(address: str) -> None:
    """Private, loopback, link-local with the metadata service, carriers' NAT, multicast, reserved, and detours."""
    assert not is_public(ip_address(address))


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_nothing_is_public_that_the_registry_says_is_not(address: IPv4Address | IPv6Address) -> None:
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast


# ----------------------------------------------------------------------------------------------------------- the choice


def test_one_address_inside_is_enough_to_refuse_a_name() -> None:
    assert chosen(["8.8.8.8", "1.1.1.1"], secure=True) == "8.8.8.8"
    assert chosen(["8.8.8.8", "10.0.0.1"], secure=True) is None
    assert chosen(["169.254.169.254", "8.8.8.8"], secure=True) is None


@pytest.mark.parametrize("found", [[], ["what is no address"], ["8.8.8.8", "what is no address"]])
def test_what_is_not_understood_is_refused(found: list[str]) -> None:
    assert chosen(found, secure=True) is None


def test_a_link_local_address_with_a_zone_is_refused() -> None:
    assert chosen(["fe80::1%eth0"], secure=True) is None


def test_the_machine_itself_only_where_that_is_said_and_never_the_rest_of_the_house() -> None:
    assert chosen(["127.0.0.1"], secure=False) is None
    assert chosen(["127.0.0.1"], secure=False, loopback=True) == "127.0.0.1"
    assert chosen(["::1", "127.0.0.1"], secure=False, loopback=True) == "::1"
    assert chosen(["127.0.0.1", "10.0.0.1"], secure=True, loopback=True) is None
    assert chosen(["192.168.1.1"], secure=True, loopback=True) is None


def test_without_tls_nothing_leaves_the_machine() -> None:
    assert chosen(["8.8.8.8"], secure=False, loopback=True) is None
    assert chosen(["8.8.8.8"], secure=True, loopback=True) == "8.8.8.8"


# -------------------------------------------------------------------------------------------------------------- the URL


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.com", Target(secure=True, host="example.com", port=443, path="/")),
        ("https://EXAMPLE.com:8443/a/b?c=d", Target(secure=True, host="example.com", port=8443, path="/a/b?c=d")),
        ("https://1.1.1.1/x", Target(secure=True, host="1.1.1.1", port=443, path="/x")),
        ("https://[2606:4700::1111]/", Target(secure=True, host="2606:4700::1111", port=443, path="/")),
    ],
)
def test_a_url_is_read(url: str, expected: Target) -> None:
    assert parse(url) == expected


def test_the_authority_is_what_the_host_header_has() -> None:
    assert parse("https://example.com/").authority == "example.com"
    assert parse("https://example.com:8443/").authority == "example.com:8443"
    assert parse("https://[2606:4700::1111]:8443/").authority == "[2606:4700::1111]:8443"


@pytest.mark.parametrize(
    "url",
    [
        "", "example.com/hook", "http://example.com/", "ftp://example.com/", "file:///etc/passwd", "https:///hook",
        "https://user@example.com/", "https://user:pass@example.com/", "https://example.com/#part",
        "https://example.com:80/", "https://example.com:22/", "https://example.com:5432/", "https://example.com:99999/",
        "https://example.com:x/", "https://exa mple.com/", "https://example.com/a b", "https://example.com\\@10.0.0.1/",
        "https://example.com/\r\nHost: inside", "https://bücher.example/", "https://example.com./",
        "https://127.0.0.1/", "https://10.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://[::1/",
        "https://169.254.169.254/latest/meta-data/", "https://example.com/" + "a" * public_addresses.LONGEST_URL,
    ],
)  # fmt: skip
def test_what_may_not_be_posted_to_is_refused_with_a_reason(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(url)
    ((field, why),) = caught.value.fields
    assert field == "url"
    assert why


def test_a_laptop_may_post_to_itself_in_the_clear_and_on_any_port() -> None:
    assert parse("http://127.0.0.1:5000/x", loopback=True) == Target(
        secure=False, host="127.0.0.1", port=5000, path="/x"
    )
    assert parse("http://localhost/", loopback=True).authority == "localhost"
