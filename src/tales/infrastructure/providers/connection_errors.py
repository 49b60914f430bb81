"""Why not even the headers of an answer came, in words that name what is wrong."""

from __future__ import annotations

import errno

import aiohttp

from tales.domain.failures import Failure, FailureKind
from tales.infrastructure.providers.endpoint import Endpoint

_NO_NETWORK = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL})


def connection_failure(error: aiohttp.ClientError | OSError | ValueError, endpoint: Endpoint) -> Failure:
    """The failure of a call that `error` ended before an answer began. No address is quoted: it may hold a password."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError):
        return _proxy_failure(error, endpoint)
    if isinstance(cause, TimeoutError):
        return Failure(
            FailureKind.CONNECT_TIMEOUT, "No connection to the provider in time. Check the network, or try again later."
        )
    check = endpoint.names.check(endpoint.names.address)
    if isinstance(error, aiohttp.ClientResponseError):
        packed = "content-encoding" in str(error.message).lower()
        what = "is compressed in a way that cannot be read here" if packed else "is no HTTP"
        return Failure(FailureKind.MALFORMED_RESPONSE, f"What the provider sent {what}.{check}")
    if isinstance(error, ValueError) and not isinstance(error, aiohttp.ClientError):
        return Failure(FailureKind.INVALID_REQUEST, f"The provider's address is not valid.{check}")
    return Failure(FailureKind.CONNECTION, f"{_sentence(error, cause)}{check}")


def _sentence(error: Exception, cause: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "The provider's name is not found: there is no network, or no such name."
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "The provider's certificate is none that this machine trusts."
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return "The provider speaks no TLS at this address, which begins with https."
    if isinstance(cause, ConnectionRefusedError):
        return "Nothing listens at the provider's address: it does not run, or the port is another."
    if isinstance(cause, OSError) and cause.errno in _NO_NETWORK:
        return "There is no network on the way to the provider."
    return "No connection to the provider, or it broke before an answer began. Try again later."


def _proxy_failure(error: Exception, endpoint: Endpoint) -> Failure:
    check = endpoint.names.check(endpoint.proxy.variable if endpoint.proxy else None)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return Failure(FailureKind.CONNECTION, f"The proxy did not let the call pass (HTTP {error.status}).{check}")
    return Failure(FailureKind.CONNECTION, f"No connection to the proxy.{check}")
