"""The proxies that the environment names, as most programs read it."""

from __future__ import annotations

from urllib.request import getproxies_environment, proxy_bypass

from yarl import URL

from tales.infrastructure.providers.endpoint import Proxy


def proxy_for(address: str) -> Proxy | None:
    """The proxy on the way to `address`; None where there is none, or NO_PROXY says so.

    Raises: ValueError naming the variable, for a proxy that HTTP does not go through.
    """
    proxies = getproxies_environment()
    url = URL(address)
    scheme = next((name for name in (url.scheme, "all") if proxies.get(name)), None)
    if scheme is None or proxy_bypass(f"{url.host}:{url.port}"):
        return None
    variable, named = f"{scheme.upper()}_PROXY", proxies[scheme]
    try:
        proxy = URL(named if "://" in named else f"http://{named}")
    except ValueError:
        raise ValueError(f"{variable} is no valid address.") from None
    if proxy.scheme not in ("http", "https") or not proxy.host:
        raise ValueError(f"{variable} must start with http:// or https:// and name a host.")
    return Proxy(proxy, variable)
