"""The languages of the pages: which one a visitor reads, and what its catalogue says."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib import resources
from typing import TypeAlias

from babel import Locale
from babel.dates import format_date, format_datetime, get_day_names
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, format_percent, get_decimal_symbol, get_group_symbol
from starlette.requests import HTTPConnection

from tales.interfaces.api.accepted_language import accepted_language

COOKIE = "tales-language"
OWN_NAMES = {"en": "English", "de": "Deutsch", "ru": "Русский"}
"""The languages that there are, as their readers call them; the first is that of the templates."""

_Day: TypeAlias = date
_CENT = Decimal("0.01")
_SMALLEST_COST = Decimal("0.0001")
_TENTH_OF_A_PERCENT = Decimal("0.001")


def translatable(text: str) -> str:
    """Marks `text` as one that the catalogues translate, wherever it is said."""
    return text


_SECONDS = translatable("s")


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its words, and how it writes dates and numbers. Times of day are in UTC."""

    code: str
    translations: NullTranslations

    def date(self, moment: datetime) -> str:
        """A day, in words."""
        return format_date(moment, "long", self.code)

    def moment(self, moment: datetime) -> str:
        """A day and a time."""
        return f"{self.time(moment)} UTC"

    def time(self, moment: datetime) -> str:
        """The same where it is said that times are in UTC."""
        return format_datetime(moment, "medium", tzinfo=UTC, locale=self.code)

    def number(self, value: Decimal | float) -> str:
        """A number, with two decimals at most."""
        return format_decimal(Decimal(value).quantize(_CENT), "#,##0.##", locale=self.code)

    def exact(self, value: Decimal) -> str:
        """A number with all of its digits."""
        return format_decimal(value, "#,##0.############", locale=self.code)

    def typed(self, value: Decimal) -> str:
        """The same in a field of a form: without marks between thousands."""
        return format_decimal(value, "0.############", locale=self.code)

    @property
    def separators(self) -> str:
        """The mark before decimals, and that between thousands."""
        return get_decimal_symbol(self.code) + get_group_symbol(self.code)

    def share(self, value: float) -> str:
        """A share from 0 to 1, in percent."""
        pattern = Locale(self.code).percent_formats[None].pattern
        # What is rounded to nothing has no sign.
        shown = value if Decimal(str(value)).quantize(_TENTH_OF_A_PERCENT) else 0
        return format_percent(shown, pattern.replace("##0", "##0.0") if value < 1 else pattern, self.code)

    def seconds(self, value: float, digits: int = 1) -> str:
        """A time, with so many decimals at most."""
        return f"{self.number(round(value, digits))}\u00a0{self.translations.gettext(_SECONDS)}"

    def day(self, day: _Day) -> str:
        """A day, in few characters."""
        return format_date(day, "medium", self.code)

    def weekday(self, number: int) -> str:
        """A day of the week; 1 is Monday."""
        return str(get_day_names("wide", locale=self.code)[number - 1])

    def dollars(self, value: Decimal) -> str:
        """A cost: most are a small part of a cent."""
        if 0 < value < _SMALLEST_COST:
            return f"<\u00a0{self.dollars(_SMALLEST_COST)}"
        pattern = Locale(self.code).currency_formats["standard"].pattern.replace("0.00", "0.00##")
        return format_currency(value, "USD", pattern, self.code, currency_digits=False)

    def name_of(self, language: str) -> str:
        """What another language is called in this one; its code, where nobody has a name for it."""
        return str(Locale(self.code).languages.get(language, language))


def language_of(request: HTTPConnection) -> Language:
    """What the visitor has chosen, or else what the browser asks for, or English."""
    chosen = request.cookies.get(COOKIE)
    if chosen in OWN_NAMES:
        return _language(chosen)
    return _language(accepted_language(request.headers.get("Accept-Language", ""), tuple(OWN_NAMES)))


@cache
def _language(code: str) -> Language:
    if code == "en":
        return Language(code, NullTranslations())
    # Out of the catalogue itself: there is no second, compiled file that could be older than it.
    source = resources.files(__package__).joinpath("catalogues", f"{code}.po").read_bytes()
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(source), locale=code))
    compiled.seek(0)
    return Language(code, GNUTranslations(compiled))
