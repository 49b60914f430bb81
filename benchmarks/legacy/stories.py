"""The stories of a plan, one after the other, as lines of COPY."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random

from benchmarks.legacy.copying import JSON_PARAGRAPH_END, NULL, PARAGRAPH_END, line, text_field, time_field
from benchmarks.legacy.families import FIRST_DAY, READY_MADE, Families, age_of, children_of, heroes_of
from benchmarks.legacy.languages import LANGUAGES
from benchmarks.legacy.nasty import Nasty, Row
from benchmarks.legacy.paragraphs import Piece, Pool, pool
from benchmarks.legacy.plan import Extras, LegacyPlan, Profile
from benchmarks.legacy.responses import MODEL_WEIGHTS, MODELS, information, response
from benchmarks.legacy.schedule import Schedule

COLUMNS = (
    *("id", "title", "content", "child_id", "hero_id", "created_at", "updated_at", "user_id", "rating", "model_used"),
    *("full_response", "generation_info", "story_type", "story_length", "moral", "hero_appearance"),
    "relationship_description",
)
EXTRA_COLUMNS = {
    Extras.COLUMNS: ("child_name", "child_age", "language", "audio_url", "audio_duration"),
    Extras.STRICT: ("tenant",),
}
_DAYS = 800
"""How long the service has been running."""
_LEAST, _MOST = 2_000, 8_000
"""The length of a realistic story, in bytes. What a model thinks before it answers is up to one and a half times it."""
_THINKS = 0.25
_SMALL = 1_000
"""Up to so many rows a small pool of text does, which is made in a hundredth of a second."""


class Stories:
    """Writes the stories of `plan`. Each is forgotten as soon as it is written."""

    def __init__(self, plan: LegacyPlan, families: Families) -> None:
        self.count = plan.rows
        self._plan, self._families = plan, families
        self._rng = Random(f"stories {plan.seed}")
        shares = plan.nastiness.shares()
        self._largest = min(plan.block, max(2, plan.rows // 4))
        duplicates = shares.pop("duplicate_time")
        mean = (2 + self._largest) / 2
        # Blocks start at this rate, so that in the end the share of rows that lie in one is what was asked for.
        shares["duplicate_time"] = duplicates / (mean - duplicates * (mean - 1))
        self._schedule = Schedule(shares, self._rng)
        self._nasty = Nasty(plan, self._rng)
        size = 64 if plan.rows <= _SMALL else 2_000
        self._pools: dict[str, Pool] = {code: pool(code, size) for code in plan.languages}
        self._morals = {code: [text_field(moral) for moral in LANGUAGES[code].morals] for code in plan.languages}
        self._step = timedelta(days=_DAYS) / max(1, plan.rows)

    @property
    def made(self) -> dict[str, int]:
        """How many rows of each kind of nastiness have been written."""
        return self._nasty.made

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a line, in order."""
        return COLUMNS + tuple(c for extra, names in EXTRA_COLUMNS.items() if extra in self._plan.extras for c in names)

    def lines(self) -> Iterator[bytes]:
        """All stories, by time of creation."""
        columns, block_ends, block_time = self.columns, 0, NULL
        for number in range(self._plan.rows):
            due = self._schedule.due(number)
            row = self._tidy(number)
            in_block = number < block_ends
            if "duplicate_time" in due:
                due.remove("duplicate_time")
                size = min(self._rng.randint(2, self._largest), self._plan.rows - number)
                if not in_block and size > 1:
                    in_block, block_ends, block_time = True, number + size, row["created_at"]
            if in_block:
                row["created_at"] = block_time
                self.made["duplicate_time"] += 1
            if due:
                self._nasty.spoil(row, due, number, kept=("created_at",) if in_block else ())
            self._nasty.count_nulls(row)
            yield line([row[column] for column in columns])

    def _tidy(self, number: int) -> Row:
        """A story as it should be; half of them have no rating, and each type lacks what it does not need."""
        rng, families = self._rng, self._families
        random = rng.random
        family = families.draw(rng)
        code = families.language(family).code
        created = FIRST_DAY + self._step * number + self._step * (random() / 2)
        model = MODELS[_first_above(random() * 100)]
        heading = self._phrase(code)
        content, answer, reasoning = self._texts(code, heading)
        second = int(created.timestamp())
        created_field = time_field(created)
        row = {
            "id": families.id(b"story", number),
            "title": heading.text,
            "content": content,
            "created_at": created_field,
            "updated_at": created_field if random() < 0.7 else time_field(created + timedelta(hours=random() * 90)),
            "user_id": families.user(family),
            "rating": NULL if random() < 0.5 else b"%d" % (10 - int(random() ** 3 * 10)),
            "model_used": model.name,
            "full_response": response(rng, model, second, answer, reasoning),
            "generation_info": information(rng, second, code.encode()),
            "story_length": b"%d" % (3 + int(random() * 13)),
            "moral": self._morals[code][int(random() * len(self._morals[code]))],
        }
        self._cast(row, family, code)
        return row

    def _phrase(self, code: str) -> Piece:
        phrases = self._pools[code].phrases
        return phrases[int(self._rng.random() * len(phrases))]

    def _texts(self, code: str, heading: Piece) -> tuple[bytes, bytes, bytes | None]:
        """A story's content, the same as the inside of a JSON string, and now and then what the model thought."""
        pieces, rng = self._pools[code], self._rng
        if self._plan.profile is Profile.SHORT:
            chosen, thoughts = rng.choices(pieces.phrases, k=3), None
        else:
            wanted = _LEAST + rng.random() ** 1.5 * (_MOST - _LEAST)
            chosen = _paragraphs(pieces, rng, wanted)
            thoughts = _paragraphs(pieces, rng, rng.random() * _MOST * 1.5) if rng.random() < _THINKS else None
        return (
            PARAGRAPH_END.join([p.text for p in chosen]),
            JSON_PARAGRAPH_END.join([heading.json, *[p.json for p in chosen]]),
            JSON_PARAGRAPH_END.join([p.json for p in thoughts]) if thoughts else None,
        )

    def _cast(self, row: Row, family: int, code: str) -> None:
        """Who the story is about, and what of it was copied onto the story."""
        rng, families = self._rng, self._families
        draw = rng.random()
        child = int(rng.random() * children_of(family))
        own = heroes_of(family)
        hero = (
            families.hero(family, int(rng.random() * own))
            if own and rng.random() < 0.6
            else families.ready_made(int(rng.random() * READY_MADE))
        )
        with_child, with_hero = draw < 0.8, draw >= 0.5
        row["story_type"] = b"combined" if with_child and with_hero else b"child" if with_child else b"hero"
        row["child_id"] = families.child(family, child) if with_child else NULL
        row["hero_id"] = hero if with_hero else NULL
        row["hero_appearance"] = self._phrase(code).text if with_hero else NULL
        row["relationship_description"] = self._phrase(code).text if with_child and with_hero else NULL
        if self._plan.extras:
            row["child_name"] = families.name(family, child) if with_child else NULL
            row["child_age"] = b"%d" % age_of(family, child) if with_child else NULL
            row["language"] = code.encode()
            row["audio_url"] = b"audio/%b.mp3" % row["id"] if rng.random() < 0.2 else NULL
            row["audio_duration"] = b"%.2f" % (60 + rng.random() * 600) if row["audio_url"] != NULL else NULL
            row["tenant"] = b"legacy"


def _paragraphs(pieces: Pool, rng: Random, wanted: float) -> list[Piece]:
    """About `wanted` bytes of different paragraphs, at least one and at most 8 kB."""
    chosen = rng.choices(pieces.paragraphs, k=max(1, round(wanted / pieces.mean_bytes)))
    while len(chosen) > 1 and sum([len(p.text) for p in chosen]) > _MOST:
        chosen.pop()
    return chosen


def _first_above(percent: float) -> int:
    return next(index for index, weight in enumerate(MODEL_WEIGHTS) if percent < weight)
