"""What a client would rather read."""

from __future__ import annotations

import pytest

from tales.application.mails import LANGUAGES
from tales.interfaces.api.accepted_language import accepted_language
from tales.interfaces.web.languages import OWN_NAMES


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr, RU-ru;q=0.7, de; q=0.3", "ru"),
        ("de;q=0.3,ru;q=0.7", "ru"),
        ("de;q=0,ru;q=0.1", "ru"),
        ("de;q=0", "en"),
        ("fr,*", "en"),
        ("de;q=x,--,deutsch,de-,\u00e9," + ",", "en"),
        ("fr," * 20 + "de", "en"),
    ],
)
def test_the_language_that_is_liked_best_is_chosen(header: str, language: str) -> None:
    assert accepted_language(header, LANGUAGES) == language


def test_mails_are_written_in_the_languages_of_the_pages() -> None:
    assert tuple(OWN_NAMES) == LANGUAGES
