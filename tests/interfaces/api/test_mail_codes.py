"""A forgotten password and another address, by codes that come by mail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response

from tales.application.mail_codes import LIFETIME, MailCodes
from tales.application.services import Services
from tales.domain.throttle import FREE
from tales.infrastructure.mail.smtp import SmtpMailer, SmtpServer
from tests.fixtures.databases import Database
from tests.fixtures.mail import MailServer
from tests.fixtures.recording import RecordingLog
from tests.fixtures.time import FakeClock
from tests.fixtures.waiting import until
from tests.interfaces.api.world import PASSWORD, problem, refused

AUTH = "/api/v3/auth"
ADA, NEW = "ada@example.org", "ada@example.net"
ANOTHER = "another horse battery"


@pytest.fixture
async def mailing(
    app: FastAPI, anyone: AsyncClient, services: Services, mail_server: MailServer, clock: FakeClock
) -> AsyncIterator[AsyncClient]:
    """A client of a server that sends mail, where Ada has an account."""
    mailer = SmtpMailer(SmtpServer.at(mail_server.url), "tales@example.org", RecordingLog())
    codes = MailCodes(b"a key", clock)
    app.state.services = replace(
        services,
        reset_password=replace(services.reset_password, mailer=mailer, codes=codes, clock=clock),
        change_address=replace(services.change_address, mailer=mailer, codes=codes, clock=clock),
    )
    assert (await anyone.post(f"{AUTH}/signup", json={"email": ADA, "password": PASSWORD})).status_code == 201
    async with mailer.running():
        yield anyone


async def post(client: AsyncClient, path: str, token: str | None = None, language: str = "en", **body: str) -> Response:
    headers = {"Accept-Language": language} | ({"Authorization": f"Bearer {token}"} if token else {})
    return await client.post(f"{AUTH}/{path}", json=body, headers=headers)


async def get_token(client: AsyncClient, email: str = ADA, password: str = PASSWORD) -> Response:
    return await client.post(f"{AUTH}/token", data={"username": email, "password": password})


async def signed_in(client: AsyncClient) -> str:
    return str((await get_token(client)).json()["access_token"])


async def is_signed_in(client: AsyncClient, token: str) -> bool:
    return (await client.get("/api/v3/me", headers={"Authorization": f"Bearer {token}"})).status_code == 200


async def test_a_forgotten_password_is_replaced_once_by_the_code_that_comes_by_mail(
    mailing: AsyncClient, mail_server: MailServer, database: Database
) -> None:
    before = await signed_in(mailing)

    answer = await post(mailing, "password-reset", email=" Ada@example.org")
    assert (answer.status_code, answer.json()) == (202, {"expires_in": LIFETIME})
    code = await mail_server.code()
    (mail,) = mail_server.mails
    assert (mail["To"], mail["From"]) == (ADA, "tales@example.org")
    kept = " ".join(repr(database.rows(f"select * from tales.{table}")) for table in ("accounts", "login_attempts"))
    assert code not in kept

    confirmed = await post(mailing, "password-reset/confirm", email=ADA, code=code, new_password=ANOTHER)
    assert (confirmed.status_code, confirmed.content) == (204, b"")
    assert not await is_signed_in(mailing, before)
    problem(await get_token(mailing), 401, "not_signed_in")
    assert (await get_token(mailing, password=ANOTHER)).status_code == 200

    again = await post(mailing, "password-reset/confirm", email=ADA, code=code, new_password=PASSWORD)
    refused(again, "code")
    assert code not in again.text


async def test_a_code_is_good_for_a_quarter_of_an_hour(
    mailing: AsyncClient, mail_server: MailServer, clock: FakeClock
) -> None:
    await post(mailing, "password-reset", email=ADA)
    code = await mail_server.code()
    clock.advance(LIFETIME)

    refused(await post(mailing, "password-reset/confirm", email=ADA, code=code, new_password=ANOTHER), "code")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": "x"}, "code"),
        ({"code": "é" * 32}, "code"),
        ({"code": "A" * 32}, "code"),
        ({"code": ""}, "code"),
        ({"email": "eve@example.org"}, "code"),
        ({"new_password": "short"}, "new_password"),
        ({"new_password": "passwordpassword"}, "new_password"),
    ],
)
async def test_what_resets_no_password(
    mailing: AsyncClient, mail_server: MailServer, changes: dict[str, Any], field: str
) -> None:
    await post(mailing, "signup", email="eve@example.org", password=PASSWORD)
    await post(mailing, "password-reset", email=ADA)
    body = {"email": ADA, "code": await mail_server.code(), "new_password": ANOTHER} | changes

    refused(await post(mailing, "password-reset/confirm", **body), field)

    assert (await get_token(mailing)).status_code == 200


async def test_who_has_an_account_is_not_told(mailing: AsyncClient, mail_server: MailServer) -> None:
    known = await post(mailing, "password-reset", email=ADA)
    unknown = await post(mailing, "password-reset", email="eve@example.org")
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json())
    codes = [await mail_server.code(), "A" * 32]

    wrong = [
        await post(mailing, "password-reset/confirm", email=email, code=codes[1], new_password=ANOTHER)
        for email in (ADA, "eve@example.org")
    ]

    assert wrong[0].json() | {"request_id": ""} == wrong[1].json() | {"request_id": ""}
    assert [mail["To"] for mail in mail_server.mails] == [ADA]


async def test_a_letter_box_is_not_filled(mailing: AsyncClient, mail_server: MailServer) -> None:
    answers = [(await post(mailing, "password-reset", email=ADA)).status_code for _ in range(FREE + 2)]
    last = await post(mailing, "password-reset", email=ADA)

    assert answers == [202] * FREE + [429] * 2
    assert problem(last, 429, "too_many_requests")["limit"] == "mail_attempts"
    assert last.headers["Retry-After"] == "60"
    await mail_server.code(FREE)
    assert len(mail_server.mails) == FREE


async def test_an_address_is_changed_by_a_code_that_comes_to_the_new_one(
    mailing: AsyncClient, mail_server: MailServer, database: Database
) -> None:
    here, elsewhere = await signed_in(mailing), await signed_in(mailing)

    answer = await post(mailing, "address", here, email=NEW, password=PASSWORD)
    assert (answer.status_code, answer.json()) == (202, {"expires_in": LIFETIME})
    code = await mail_server.code()
    assert mail_server.mails[0]["To"] == NEW
    refused(await post(mailing, "address/confirm", here, email="other@example.net", code=code), "code")
    confirmed = await post(mailing, "address/confirm", here, email=NEW, code=code)

    assert (confirmed.status_code, confirmed.content) == (204, b"")
    assert await is_signed_in(mailing, here)
    assert not await is_signed_in(mailing, elsewhere)
    assert (await get_token(mailing, NEW)).status_code == 200
    problem(await get_token(mailing), 401, "not_signed_in")
    assert database.rows("select email from auth.users where email is not null") == [{"email": NEW}]
    refused(await post(mailing, "address/confirm", here, email=NEW, code=code), "code")
    await until(lambda: len(mail_server.mails) == 2)
    assert mail_server.mails[1]["To"] == ADA


async def test_an_address_is_not_changed_without_the_password(mailing: AsyncClient, mail_server: MailServer) -> None:
    token = await signed_in(mailing)

    refused(await post(mailing, "address", token, email=NEW, password="wrong password"), "password")
    refused(await post(mailing, "address", token, email="nonsense", password=PASSWORD), "email")

    assert mail_server.mails == []


async def test_an_address_that_has_an_account_gets_no_code_and_is_not_given_away(
    mailing: AsyncClient, mail_server: MailServer
) -> None:
    await post(mailing, "signup", email=NEW, password=PASSWORD)
    token = await signed_in(mailing)

    taken = await post(mailing, "address", token, email=NEW, password=PASSWORD)
    free = await post(mailing, "address", token, email="third@example.net", password=PASSWORD)

    assert (taken.status_code, taken.json()) == (free.status_code, free.json())
    await mail_server.code()
    assert [mail["To"] for mail in mail_server.mails] == ["third@example.net"]


async def test_mails_are_in_the_language_that_the_client_reads(mailing: AsyncClient, mail_server: MailServer) -> None:
    token = await signed_in(mailing)

    await post(mailing, "password-reset", language="ru-RU,ru;q=0.9", email=ADA)
    await mail_server.code()
    await post(mailing, "address", token, language="de", email=NEW, password=PASSWORD)
    await post(mailing, "address/confirm", token, language="de", email=NEW, code=await mail_server.code(2))
    await until(lambda: len(mail_server.mails) == 3)

    subjects = [mail["Subject"] for mail in mail_server.mails]
    assert subjects == [
        "Новый пароль для Tales",
        "Ihre Adresse bei Tales",
        "Ihre Adresse bei Tales hat sich geändert",
    ]
    assert "Он действует 15 минут" in mail_server.mails[0].get_content()
    for sent in mail_server.sent:
        assert sent.partition(b"\r\n\r\n")[0].isascii(), "headers are encoded words (RFC 2047)"


async def test_a_code_for_one_thing_is_good_for_nothing_else(mailing: AsyncClient, mail_server: MailServer) -> None:
    token = await signed_in(mailing)
    await post(mailing, "address", token, email=NEW, password=PASSWORD)
    code = await mail_server.code()

    refused(await post(mailing, "password-reset/confirm", email=ADA, code=code, new_password=ANOTHER), "code")


async def test_where_no_mail_is_sent_the_operator_is_named(anyone: AsyncClient) -> None:
    await post(anyone, "signup", email=ADA, password=PASSWORD)
    token = await signed_in(anyone)

    answers = [
        await post(anyone, "password-reset", email=ADA),
        await post(anyone, "address", token, email=NEW, password=PASSWORD),
    ]

    for answer in answers:
        assert "tales users reset" in problem(answer, 409, "conflict")["detail"]


async def test_a_mail_server_that_is_away_is_no_ones_trouble_but_the_operators(
    mailing: AsyncClient, app: FastAPI
) -> None:
    log = RecordingLog()
    mailer = SmtpMailer(SmtpServer.at("smtp://127.0.0.1:1"), "tales@example.org", log)
    services = app.state.services
    app.state.services = replace(services, reset_password=replace(services.reset_password, mailer=mailer))

    async with mailer.running():
        assert (await post(mailing, "password-reset", email=ADA)).status_code == 202

    assert log.has("error", "a mail was not sent")
    assert ADA not in repr(log.events)
