"""Mail goes over TLS to the server that its URL names, or not at all: no other hears a word of it, nor the password."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tales.infrastructure.mail.smtp import SmtpMailer, SmtpServer
from tests.fixtures.mail import MailServer
from tests.fixtures.recording import RecordingLog

HERE = "0.0.0.0"
"""This machine by an address that is not one of loopback's, so that STARTTLS is asked for."""
ELSEWHERE = "192.0.2.1"


def certificate(folder: Path, address: str, *, days: int = 1) -> Path:
    """A file with a new key and a certificate of it for `address`, signed by itself; it ends in so many days."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    ends = datetime.now(UTC) + timedelta(days=days)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(ends - timedelta(days=10))
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    path = folder / f"{address} {days}.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + signed.public_bytes(Encoding.PEM))
    return path


class Heard(MailServer):
    """What a server is told: mails, and the password."""

    def __init__(self) -> None:
        super().__init__()
        self.passwords: list[bytes] = []

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        """Take any password (`aiosmtpd`'s authenticator)."""
        self.passwords.append(data.password)
        return AuthResult(success=True)


@asynccontextmanager
async def serving(scheme: str, chain: Path | None) -> AsyncIterator[Heard]:
    """A mail server with this certificate: TLS from the beginning (`smtps`) or when asked to. Without one: never."""
    heard = Heard()
    loop = asyncio.get_running_loop()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if chain else None
    if context and chain:
        context.load_cert_chain(chain)

    def protocol() -> SMTP:
        return SMTP(
            heard,
            hostname="mail",
            loop=loop,
            tls_context=context if scheme == "smtp" else None,
            authenticator=heard.authenticate,
            auth_require_tls=chain is not None and scheme == "smtp",
        )

    server = await loop.create_server(protocol, HERE, 0, ssl=context if scheme == "smtps" else None)
    heard.url = f"{scheme}://ada:secret@{HERE}:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield heard


async def send(heard: Heard) -> RecordingLog:
    """Send one mail to the server; what is logged of it."""
    log = RecordingLog()
    mailer = SmtpMailer(SmtpServer.at(heard.url), "tales@example.org", log)
    async with mailer.running():
        mailer.send("ada@example.org", "A new password for Tales", "the code")
    return log


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_server_that_proves_its_name_is_handed_the_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    chain = certificate(tmp_path, HERE)
    # As an operator with an authority of their own says it.
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    async with serving(scheme, chain) as heard:
        log = await send(heard)

    assert log.events == []
    assert [mail.get_content().strip() for mail in heard.mails] == ["the code"]
    assert heard.passwords == [b"secret"]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("wrong", ["of nobody we know", "of another name", "of yesterday"])
async def test_a_server_with_a_wrong_certificate_hears_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str, wrong: str
) -> None:
    chain = certificate(tmp_path, ELSEWHERE if "name" in wrong else HERE, days=-1 if "yesterday" in wrong else 1)
    if "nobody" not in wrong:
        monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    async with serving(scheme, chain) as heard:
        log = await send(heard)

    assert log.has("error", "a mail was not sent")
    assert (heard.mails, heard.passwords) == ([], [])


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_server_without_tls_hears_nothing(scheme: str) -> None:
    async with serving("smtp", None) as heard:
        heard.url = heard.url.replace("smtp:", f"{scheme}:")
        log = await send(heard)

    assert log.has("error", "a mail was not sent")
    assert (heard.mails, heard.passwords) == ([], [])
