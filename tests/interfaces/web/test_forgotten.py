"""A forgotten password, by a code that comes by mail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from fastapi import FastAPI

from tales.application.mail_codes import MailCodes
from tales.infrastructure.mail.smtp import SmtpMailer, SmtpServer
from tests.fixtures.mail import MailServer
from tests.fixtures.recording import RecordingLog
from tests.fixtures.time import FakeClock
from tests.interfaces.web.visiting import Visitor

ANOTHER = "another horse battery"


@pytest.fixture
async def mailing(app: FastAPI, mail_server: MailServer, clock: FakeClock) -> AsyncIterator[MailServer]:
    """Where the application's mail arrives."""
    mailer = SmtpMailer(SmtpServer.at(mail_server.url), "tales@example.org", RecordingLog())
    before = app.state.services.reset_password
    reset = replace(before, mailer=mailer, codes=MailCodes(b"a key", clock), clock=clock)
    app.state.services = replace(app.state.services, reset_password=reset)
    async with mailer.running():
        yield mail_server


async def test_a_forgotten_password_is_replaced_by_a_code(ada: Visitor, visitor: Visitor, mailing: MailServer) -> None:
    await visitor.look("/forgotten")
    known = await visitor.send("/forgotten", {"email": "ada@example.org"})
    unknown = await visitor.send("/forgotten", {"email": "eva@example.org"})
    assert known.text.replace("ada@", "eva@") == unknown.text, "the page does not tell who has an account"
    code = await mailing.code()
    fields = {"email": "ada@example.org", "new_password": ANOTHER}

    wrong = await visitor.send("/forgotten/code", fields | {"code": "x" + code})
    assert wrong.status_code == 422
    assert "This code is not valid" in wrong.text
    common = await visitor.send("/forgotten/code", fields | {"code": code, "new_password": "passwordpassword"})
    assert "Use a longer password" in common.text
    changed = await visitor.send("/forgotten/code", fields | {"code": code})
    assert changed.headers["Location"] == "/sign-in?changed=1"

    assert (await ada.look("/me")).headers["Location"].startswith("/sign-in"), "all sessions have ended"
    assert (await visitor.send("/forgotten/code", fields | {"code": code})).status_code == 422, "it works once"
    assert (await visitor.sign_in(password=ANOTHER)).status_code == 303


async def test_where_no_mail_is_sent_the_page_says_so(visitor: Visitor) -> None:
    assert "This server sends no mail" in (await visitor.look("/forgotten")).text
    assert (await visitor.send("/forgotten", {"email": "ada@example.org"})).status_code in {403, 409}
