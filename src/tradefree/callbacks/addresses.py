"""Addresses that are not the public Internet: IANA's registries of special addresses, and what clouds add to them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SPECIAL: dict[str, str] = {
    "0.0.0.0/8": "this network",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "shared by carriers (CGNAT)",
    "127.0.0.0/8": "loopback",
    "168.63.129.16/32": "the metadata of a cloud",
    "169.254.0.0/16": "link-local, with the metadata of clouds",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "special",
    "192.0.2.0/24": "documentation",
    "192.88.99.0/24": "6to4 relays",
    "192.168.0.0/16": "private",
    "198.18.0.0/15": "benchmarks",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
}
"""IPv4: everything else may be called. RFC 6890 and the registry it founded; Azure's metadata has a public address."""

PUBLIC_6 = ip_network("2000::/3")
"""IPv6: nothing outside of this is a global unicast address. So loopback, link-local (``fe80::/10``), unique local
(``fc00::/7``, with the metadata of EC2), site-local, multicast, IPv4-mapped (``::ffff:0:0/96``), IPv4-compatible and
NAT64 addresses (``64:ff9b::/96``, ``64:ff9b:1::/48``), which lead to IPv4, are refused by one rule."""

SPECIAL_6: dict[str, str] = {
    "2001::/23": "special, such as Teredo, which leads to IPv4",
    "2001:db8::/32": "documentation",
    "2002::/16": "6to4, which leads to IPv4",
    "3fff::/20": "documentation",
}
"""What is special inside of that."""

_SPECIAL = [(ip_network(text), words) for text, words in (SPECIAL | SPECIAL_6).items()]


def parse_address(text: str) -> Address | None:
    """The address that a text is in its canonical form, a zone (``%eth0``) left out; None if it is none."""
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None


def special(address: Address) -> str | None:
    """In a word, why an address is not the public Internet; None if it is."""
    for network, words in _SPECIAL:
        if address in network:
            return words
    if isinstance(address, IPv6Address) and address not in PUBLIC_6:
        return "loopback" if address.is_loopback else "not global"
    return None
