"""Mails are written by hand in each language of the pages: none of them is forgotten."""

from __future__ import annotations

import pytest

from tales.application.mails import ADDRESS_CHANGED, ADDRESS_CODE, LANGUAGES, PASSWORD_CODE, Mails
from tales.interfaces.web.languages import OWN_NAMES


@pytest.mark.parametrize("mails", [PASSWORD_CODE, ADDRESS_CODE, ADDRESS_CHANGED])
def test_a_mail_is_there_in_every_language_of_the_pages(mails: Mails) -> None:
    assert set(mails) == set(LANGUAGES) == set(OWN_NAMES)


@pytest.mark.parametrize("mails", [PASSWORD_CODE, ADDRESS_CODE])
def test_a_mail_that_brings_a_code_has_a_place_for_it_in_every_language(mails: Mails) -> None:
    assert all(mail.text.format(code="c0de").count("c0de") == 1 for mail in mails.values())
