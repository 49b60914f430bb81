"""What mails say, in the languages of the pages: the catalogues of those are an interface's, and out of reach here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

ENGLISH = "en"
LANGUAGES = (ENGLISH, "de", "ru")


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail, in one language. `text` has a place for `{code}`, where it brings one."""

    subject: str
    text: str


Mails: TypeAlias = Mapping[str, Mail]


def in_language(mails: Mails, language: str) -> Mail:
    """The mail in `language`, or in English where there is none in it."""
    return mails.get(language, mails[ENGLISH])


PASSWORD_CODE: Mails = {
    "en": Mail(
        "A new password for Tales",
        """Somebody has asked for a new password for this address at Tales. If that was you, this is the code,
good for 15 minutes:

    {code}

If it was not, there is nothing to do: the password stays as it is.
""",
    ),
    "de": Mail(
        "Ein neues Passwort für Tales",
        """Jemand hat bei Tales ein neues Passwort für diese Adresse verlangt. Wenn Sie es waren, ist dies der Code.
Er gilt 15 Minuten:

    {code}

Wenn nicht, brauchen Sie nichts zu tun: Das Passwort bleibt, wie es ist.
""",
    ),
    "ru": Mail(
        "Новый пароль для Tales",
        """Кто-то запросил в Tales новый пароль для этого адреса. Если это были вы, вот код.
Он действует 15 минут:

    {code}

Если нет, ничего делать не нужно: пароль останется прежним.
""",
    ),
}
"""To somebody who has forgotten a password."""

ADDRESS_CODE: Mails = {
    "en": Mail(
        "Your address at Tales",
        """Somebody wants to sign in to Tales with this address from now on. If that was you, this is the code, good
for 15 minutes:

    {code}

If it was not, there is nothing to do.
""",
    ),
    "de": Mail(
        "Ihre Adresse bei Tales",
        """Jemand möchte sich bei Tales ab jetzt mit dieser Adresse anmelden. Wenn Sie es waren, ist dies der Code.
Er gilt 15 Minuten:

    {code}

Wenn nicht, brauchen Sie nichts zu tun.
""",
    ),
    "ru": Mail(
        "Ваш адрес в Tales",
        """Кто-то хочет отныне входить в Tales с этим адресом. Если это были вы, вот код.
Он действует 15 минут:

    {code}

Если нет, ничего делать не нужно.
""",
    ),
}
"""To the address that an account is to have."""

ADDRESS_CHANGED: Mails = {
    "en": Mail(
        "Your address at Tales has changed",
        """The account at Tales that had this address has another one from now on. If that was not you, tell the
operator of your server.
""",
    ),
    "de": Mail(
        "Ihre Adresse bei Tales hat sich geändert",
        """Das Konto bei Tales, das diese Adresse hatte, hat ab jetzt eine andere. Wenn Sie das nicht waren, sagen Sie
es dem Betreiber Ihres Servers.
""",
    ),
    "ru": Mail(
        "Ваш адрес в Tales изменён",
        """У учётной записи Tales с этим адресом теперь другой адрес. Если это сделали не вы, сообщите тому,
кто управляет вашим сервером.
""",
    ),
}
"""To the address that an account had."""
