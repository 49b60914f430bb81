"""Mail servers by their URLs, and mail by the settings."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from tales.bootstrap import running_app
from tales.domain.errors import InvalidInput
from tales.infrastructure.mail.smtp import SmtpMailer, SmtpServer
from tales.settings import Settings
from tests.fixtures.databases import Database
from tests.fixtures.mail import MailServer
from tests.fixtures.recording import RecordingLog


@pytest.mark.parametrize(
    ("url", "server", "is_here"),
    [
        ("smtp://mail.example.org", SmtpServer("mail.example.org", 587, False, None, None), False),
        ("smtps://u%40x:p%3A@mail.example.org", SmtpServer("mail.example.org", 465, True, "u@x", "p:"), False),
        ("smtp://127.0.0.1:25", SmtpServer("127.0.0.1", 25, False, None, None), True),
        ("smtp://localhost", SmtpServer("localhost", 587, False, None, None), True),
    ],
)
def test_a_url_names_a_mail_server(url: str, server: SmtpServer, is_here: bool) -> None:
    assert SmtpServer.at(url) == server
    assert server.is_here == is_here


async def test_a_code_is_sent_by_what_the_settings_name(database: Database, mail_server: MailServer) -> None:
    settings = _settings(database, smtp_url=SecretStr(mail_server.url), mail_from="tales@example.org")
    async with running_app(settings, with_worker=False) as tales:
        await tales.services.sign_in.sign_up("ada@example.org", "correct horse battery")
        await tales.services.reset_password.request("ada@example.org")
        code = await mail_server.code()

        await tales.services.reset_password.confirm("ada@example.org", code, "another horse battery")

        assert await tales.services.sign_in.sign_in("ada@example.org", "another horse battery")


@pytest.mark.parametrize("address", ["a@[", "ada@example.org\nBcc: bob@example.org", "\ud800@example.org"])
async def test_whatever_is_wrong_with_a_mail_is_logged_without_its_words(mail_server: MailServer, address: str) -> None:
    log = RecordingLog()
    mailer = SmtpMailer(SmtpServer.at(mail_server.url), "tales@example.org", log)

    async with mailer.running():
        mailer.send(address, "A new password for Tales", "the code")

    assert log.has("error", "a mail was not sent")
    assert [facts for _, _, facts in log.events if address in str(facts)] == []
    assert mail_server.mails == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"smtp_url": "smtp://127.0.0.1"}, "TALES_MAIL_FROM"),
        ({"smtp_url": "smtp://:x", "mail_from": "a"}, "TALES_SMTP_URL"),
    ],
)
async def test_settings_that_do_not_fit_are_named(database: Database, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        async with running_app(_settings(database, **changes), with_worker=False):
            pass

    assert caught.value.field == field


def _settings(database: Database, **changes: Any) -> Settings:
    facts: dict[str, Any] = {
        "database_url": database.app_url,
        "llm_base_url": "http://127.0.0.1:1",
        "models": ("a/model",),
        "jwt_secret": SecretStr("a secret for tests, and long enough"),
    }
    return Settings(**facts | changes)
