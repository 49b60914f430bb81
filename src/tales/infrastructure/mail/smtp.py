"""Mail over the operator's SMTP server, sent in the background."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import aiosmtplib
from pydantic import SecretStr

from tales.application.ports import Log, Mailer
from tales.domain.errors import InvalidInput

TIMEOUT = 30.0
"""Seconds for each answer of the server."""

MOST = 100
"""Mails on their way at a time: what comes beyond is not sent, and the log says so."""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed over. `is_tls`: from the beginning; otherwise STARTTLS is asked for, but on this machine."""

    host: str
    port: int
    is_tls: bool
    username: str | None
    password: str | None

    @classmethod
    def at(cls, url: str) -> SmtpServer:
        """The server of a URL like smtps://user:password@mail.example.org:465. Raises: ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError("no URL of a mail server")
        is_tls = parts.scheme == "smtps"
        username, password = (unquote(text) if text else None for text in (parts.username, parts.password))
        return cls(parts.hostname, parts.port or (465 if is_tls else 587), is_tls, username, password)

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


@asynccontextmanager
async def open_mailer(url: SecretStr | None, sender: str | None, log: Log) -> AsyncIterator[Mailer | None]:
    """What sends mail while the body runs; None where the operator has set none up. Raises: InvalidInput."""
    if url is None:
        yield None
        return
    if sender is None:
        raise InvalidInput("TALES_MAIL_FROM", "TALES_MAIL_FROM is missing. Say whom mails come from.")
    try:
        server = SmtpServer.at(url.get_secret_value())
    except ValueError:
        raise InvalidInput(
            "TALES_SMTP_URL", "TALES_SMTP_URL is no URL. Write it like smtp://user:password@host:587."
        ) from None
    mailer = SmtpMailer(server, sender, log)
    async with mailer.running():
        yield mailer


class SmtpMailer(Mailer):
    """Hands mails over to a server, one connection each. Nobody waits for it, so no answer's time tells of it."""

    def __init__(self, server: SmtpServer, sender: str, log: Log) -> None:
        self._server = server
        self._sender = sender
        self._log = log
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """What is on its way at the end is sent, or given up after `TIMEOUT` seconds."""
        yield
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=TIMEOUT)
            for task in late:
                task.cancel()

    def send(self, address: str, subject: str, text: str) -> None:
        if len(self._tasks) >= MOST:
            self._log.warning("a mail was not sent", error="too many on their way")
            return
        task = asyncio.create_task(self._send(address, subject, text))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, address: str, subject: str, text: str) -> None:
        server = self._server
        try:
            message = EmailMessage()
            message["From"], message["To"], message["Subject"] = self._sender, address, subject
            message.set_content(text)
            await aiosmtplib.send(
                message,
                hostname=server.host,
                port=server.port,
                username=server.username,
                password=server.password,
                use_tls=server.is_tls,
                start_tls=not server.is_tls and not server.is_here,
                timeout=TIMEOUT,
            )
        except Exception as error:  # noqa: BLE001 -- asyncio would log what nobody foresaw with its words
            # Not the error's words: they may quote the address.
            self._log.error("a mail was not sent", error=type(error).__name__)
