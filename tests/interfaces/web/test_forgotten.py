"""A forgotten password and another address, each by a code that comes by mail."""

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
from tests.interfaces.api.world import PASSWORD
from tests.interfaces.web.visiting import Visitor

ANOTHER = "another horse battery"


@pytest.fixture
async def mailing(app: FastAPI, mail_server: MailServer, clock: FakeClock) -> AsyncIterator[MailServer]:
    """Where the application's mail arrives."""
    mailer = SmtpMailer(SmtpServer.at(mail_server.url), "tales@example.org", RecordingLog())
    before = app.state.services.reset_password
    reset = replace(before, mailer=mailer, codes=MailCodes(b"a key", clock), clock=clock)
    parts = {"mailer": mailer, "codes": reset.codes, "clock": clock}
    address = replace(app.state.services.change_address, **parts)
    app.state.services = replace(app.state.services, reset_password=reset, change_address=address)
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


async def test_another_address_is_taken_by_a_code_that_comes_there(
    ada: Visitor, visitor: Visitor, mailing: MailServer
) -> None:
    await visitor.sign_in()
    assert 'href="/me/address"' in (await ada.look("/me")).text
    await ada.look("/me/address")
    new = {"email": "ada@example.net", "password": PASSWORD}
    wrong = await ada.send("/me/address", new | {"password": ANOTHER})
    assert wrong.status_code == 422
    assert "This is not your present password." in wrong.text
    assert 'value="ada@example.net"' in wrong.text
    await ada.send("/me/address", new, **{"Accept-Language": "de"})
    code = await mailing.code()
    assert mailing.mails[0]["Subject"] == "Ihre Adresse bei Tales", "mails are in the language of the pages"
    assert (await ada.send("/me/address/code", new | {"code": "x" + code})).status_code == 422

    changed = await ada.send("/me/address/code", new | {"code": code})

    assert changed.headers["Location"] == "/me?moved=1"
    page = (await ada.look("/me?moved=1")).text
    assert "ada@example.net" in page
    assert "The new address is valid" in page
    assert (await visitor.look("/me")).headers["Location"].startswith("/sign-in"), "all other sessions have ended"
    assert (await visitor.sign_in("ada@example.net")).status_code == 303


async def test_where_no_mail_is_sent_the_pages_say_so(ada: Visitor, visitor: Visitor) -> None:
    assert "This server sends no mail" in (await ada.look("/me/address")).text
    assert (await ada.send("/me/address", {"email": "ada@example.net", "password": PASSWORD})).status_code == 409
    assert "This server sends no mail" in (await visitor.look("/forgotten")).text
    assert (await visitor.send("/forgotten", {"email": "ada@example.org"})).status_code in {403, 409}
