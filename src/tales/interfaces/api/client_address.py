"""Where on the network a request came from, as far as that tells one client from another."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated

from fastapi import Depends, Request

_OWN = (IPv4Address("127.0.0.1"), IPv6Address("::1"))
_SITE = 64
"""Bits: a home or a machine is given at least so many addresses of IPv6 to choose from (RFC 6177)."""


async def _client_address(request: Request) -> str | None:
    """The client's address; None for this machine's own.

    That is a proxy which does not say whom it speaks for, or somebody who is here already: to slow either down would
    slow everybody down.
    """
    return distinct(request.client.host) if request.client else None


def distinct(host: str) -> str | None:
    """What of the address `host` tells one client from another: all of it, or an IPv6 address's network."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    if address in _OWN:
        return None
    if isinstance(address, IPv6Address):
        return f"{IPv6Address(int(address) >> _SITE << _SITE)}/{_SITE}"
    return str(address)


ClientAddress = Annotated[str | None, Depends(_client_address)]
