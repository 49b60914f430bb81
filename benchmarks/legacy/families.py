"""Users, their children and heroes: worked out of their number, so that none is kept in memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from random import Random

from benchmarks.legacy.copying import NULL, text_field, time_field
from benchmarks.legacy.languages import LANGUAGES, Language
from benchmarks.legacy.plan import LegacyPlan

FIRST_DAY = datetime(2023, 9, 1, tzinfo=UTC)
READY_MADE = 12
"""Heroes without a user, whom every family sees."""
_INTERESTS = (rb'{dragons,"the sea",stars}', rb"{}", rb'{"a \\"quoted\\" word",""}', "{поезда,恐龙}".encode())
_GENDERS = (b"girl", b"boy", NULL, b"")


class Families:
    """The families of a plan, by number from 0. The first have the most stories."""

    def __init__(self, plan: LegacyPlan) -> None:
        self.count = plan.families
        self._seed = plan.seed
        self._languages = [LANGUAGES[code] for code in plan.languages]
        self._names = {code: [text_field(name) for name in LANGUAGES[code].names] for code in plan.languages}
        self._exponent = 1 / (1 - plan.skew)
        self._reach = (self.count + 1) ** (1 - plan.skew) - 1

    def draw(self, rng: Random) -> int:
        """A family for one more story: number k as often as (k + 1) ** -skew (Zipf), found without a table."""
        return min(self.count, int((1 + rng.random() * self._reach) ** self._exponent)) - 1

    def id(self, kind: bytes, number: int, family: int = 0) -> bytes:
        """The id of a thing, in the shape of a UUID of version 4."""
        name = b"%d %b %d %d" % (self._seed, kind, family, number)
        digits = blake2b(name, digest_size=16).hexdigest().encode()
        return b"%b4%b8%b" % (digits[:12], digits[13:16], digits[17:])

    def user(self, family: int) -> bytes:
        """The id of a family's user."""
        return self.id(b"user", family)

    def child(self, family: int, child: int) -> bytes:
        """The id of a child."""
        return self.id(b"child", child, family)

    def hero(self, family: int, hero: int) -> bytes:
        """The id of a family's own hero."""
        return self.id(b"hero", hero, family)

    def ready_made(self, hero: int) -> bytes:
        """The id of a hero without a user."""
        return self.id(b"ready", hero)

    def language(self, family: int) -> Language:
        """The language that a family reads."""
        return self._languages[family % len(self._languages)]

    def name(self, family: int, child: int) -> bytes:
        """What a child is called, as a field of COPY."""
        names = self._names[self.language(family).code]
        return names[(family + child) % len(names)]

    def users(self) -> Iterator[list[bytes]]:
        """Rows of `auth.users`: id, email, created_at."""
        for family in range(self.count):
            yield [self.user(family), b"parent%d@example.org" % family, _joined(family)]

    def children(self) -> Iterator[list[bytes]]:
        """Rows of children: id, user_id, name, age, interests, gender, created_at."""
        for family in range(self.count):
            for child in range(children_of(family)):
                nth = family + child
                interests, gender = _INTERESTS[nth % len(_INTERESTS)], _GENDERS[nth % len(_GENDERS)]
                yield [
                    *(self.child(family, child), self.user(family), self.name(family, child)),
                    *(b"%d" % age_of(family, child), interests, gender, _joined(family)),
                ]

    def heroes(self) -> Iterator[list[bytes]]:
        """Rows of heroes: id, user_id, name, appearance, created_at."""
        for hero in range(READY_MADE):
            yield [self.ready_made(hero), NULL, b"Captain %d" % hero, b"a silver cape", time_field(FIRST_DAY)]
        for family in range(self.count):
            for hero in range(heroes_of(family)):
                appearance = (NULL, b"", "зелёный плащ".encode())[(family + hero) % 3]
                yield [self.hero(family, hero), self.user(family), b"Hero %d" % hero, appearance, _joined(family)]


def children_of(family: int) -> int:
    """How many children a family has: 1 to 3."""
    return 1 + family % 3


def heroes_of(family: int) -> int:
    """How many heroes of its own a family has: 0 to 2."""
    return family // 2 % 3


def age_of(family: int, child: int) -> int:
    """A child's age, in years."""
    return (family * 5 + child * 7) % 18


def _joined(family: int) -> bytes:
    return time_field(FIRST_DAY + timedelta(microseconds=family))
