"""Addresses that the vault may be told to post to: which URLs, and which of the addresses behind their names. Pure.

Whoever may name a URL could have the vault ask what only the vault can reach: a cloud's metadata service, a database, a
router at home. So a URL is read strictly, and every address behind its name must be one of the public internet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from photovault.errors import Invalid

Address = IPv4Address | IPv6Address

LONGEST_URL = 2000
PORTS = frozenset({443, 8443})

# The registries of special-purpose addresses (IANA, RFC 6890 and what came since), and multicast.
_SPECIAL_4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carriers' NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local; metadata of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved; broadcast
    )
)
# Of IPv6 one block is the internet's. What leads to an IPv4 address by a detour (mapped, NAT64, unique local, ...) lies
# outside of it, but for these.
_PUBLIC_6 = IPv6Network("2000::/3")
_SPECIAL_6 = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # protocol assignments; Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)


@dataclass(frozen=True)
class Target:
    """Where to post: ``host`` is a name or an address as DNS and TLS take it, ``path`` has the query with it."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """For the header ``Host``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


def parse(url: str, *, loopback: bool = False) -> Target:
    """The parts of a URL that may be posted to. Raises ``Invalid`` with a reason for whoever typed it.

    With ``loopback`` also ``http`` and any port, for receivers on the very machine, as tests and laptops have them.
    """
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url or len(url) > LONGEST_URL:
        raise refused(f"is to be plain ASCII without spaces, of at most {LONGEST_URL} characters")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise refused("is no URL") from None
    if parts.scheme not in {"https", "http"} or (parts.scheme == "http" and not loopback):
        raise refused("must begin with https://")
    if parts.username is not None or parts.password is not None:
        raise refused("may not hold a user or a password; what proves who is calling is the signature")
    if "#" in url:
        raise refused("may not have a fragment")
    if not host or host.endswith("."):
        raise refused("names no host")
    secure = parts.scheme == "https"
    port = port if port is not None else (443 if secure else 80)
    if not loopback and port not in PORTS:
        raise refused("may name port 443 or 8443 alone")
    if not loopback and (literal := _literal(host)) is not None and not is_public(literal):
        raise refused("names an address that is not of the public internet")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(secure, host, port, path)


def is_public(address: Address) -> bool:
    """Whether this is an address of the public internet that leads nowhere else."""
    if isinstance(address, IPv4Address):
        return not any(address in block for block in _SPECIAL_4)
    return address in _PUBLIC_6 and not any(address in block for block in _SPECIAL_6)


def chosen(addresses: Sequence[str], *, secure: bool, loopback: bool = False) -> str | None:
    """The address to connect to, the first one; None unless *every* one of them may be connected to.

    A name with one address inside and one outside is an attack or a mistake. Without TLS nothing but the machine
    itself is posted to.
    """
    found = [literal for address in addresses if (literal := _literal(address)) is not None]
    if not found or len(found) < len(addresses):
        return None
    if loopback and all(address.is_loopback for address in found):
        return addresses[0]
    return addresses[0] if secure and all(is_public(address) for address in found) else None


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def refused(why: str) -> Invalid:
    """That a URL may not be posted to, at its field."""
    return Invalid(f"This address cannot be posted to: it {why}.", [("url", why)])
