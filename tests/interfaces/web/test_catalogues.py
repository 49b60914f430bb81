"""The catalogues say all that the pages say, in every language."""

from __future__ import annotations

import re

import pytest
from babel.messages.pofile import read_po
from tools.catalogues import CATALOGUES, messages

from tales.interfaces.web.family import READY_MADE
from tales.interfaces.web.languages import OWN_NAMES
from tests.fixtures.databases import Database


def forms(text: object) -> list[str]:
    """A message, or each of its forms for numbers."""
    return [text] if isinstance(text, str) else [str(one) for one in text] if isinstance(text, list | tuple) else []


@pytest.mark.parametrize("code", [code for code in OWN_NAMES if code != "en"])
def test_every_message_has_its_translation(code: str) -> None:
    with (CATALOGUES / f"{code}.po").open("rb") as file:
        catalogue = read_po(file, locale=code)
    said = {message.id for message in messages() if message.id}
    known = {message.id: message for message in catalogue if message.id}

    assert set(known) == said, "run `make catalogues`"
    for id_, message in known.items():
        assert not message.fuzzy
        for form in forms(message.string):
            assert form, f"{id_} has no translation"
            # One form may say "one" in a word.
            missing = set(re.findall(r"%\(\w+\)s", forms(id_)[-1])) - set(re.findall(r"%\(\w+\)s", form))
            assert not missing or len(forms(message.string)) > 1, f"{form} leaves out {missing}"
            assert set(re.findall(r"%\(\w+\)s", form)) <= set(re.findall(r"%\(\w+\)s", " ".join(forms(id_))))


def test_the_ready_made_heroes_are_known_to_the_catalogues(database: Database) -> None:
    rows = database.rows("select name, appearance from tales.heroes where user_id is null")

    assert {text for row in rows for text in (row["name"], row["appearance"])} == set(READY_MADE)
