"""The courses that generations took: which models in turn, how each attempt ended, and how many took the same.

What retries cost and rescue is counted on courses, and so is what another policy would have given
(`tales.domain.replay`): millions of generations take some thousands of courses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from tales.domain.generation import Status
from tales.domain.reports import FirstFailureRow, ReasonRow, RescueRow, RetryRow, total


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One attempt of a course, summed over the generations that took it.

    `waited` seconds before it was started: since the attempt before it had ended, or since it was asked for. `timed`:
    of how many the seconds are known.
    """

    model_used: str
    status: Status
    error_type: str | None
    waited: float = 0.0
    seconds: float = 0.0
    timed: int = 0
    cost_usd: Decimal | None = None
    cost_unknown: int = 0

    @property
    def is_failure(self) -> bool:
        """Whether it ended without a story. By identity: a report asks it of thousands, and a set would hash each."""
        return self.status is Status.FAILED or self.status is Status.TIMEOUT


@dataclass(frozen=True, slots=True)
class Course:
    """What `generations` have in common, attempt by attempt."""

    generations: int
    steps: tuple[Step, ...]

    @property
    def is_success(self) -> bool:
        """Whether a story came of it."""
        return self.steps[-1].status is Status.SUCCESS


def by_attempts(courses: Sequence[Course]) -> tuple[RetryRow, ...]:
    """By the number of attempts, the fewest first."""
    found: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
    for course in courses:
        counts = found[len(course.steps)]
        counts[0] += course.generations
        counts[1] += course.generations * course.is_success
    return tuple(
        RetryRow(attempts=attempts, generations=generations, succeeded=succeeded)
        for attempts, (generations, succeeded) in sorted(found.items())
    )


def by_reason(courses: Sequence[Course]) -> tuple[ReasonRow, ...]:
    """By the reason of any failure, the most frequent first."""
    found: defaultdict[str | None, list[int]] = defaultdict(lambda: [0, 0, 0])
    for course in courses:
        for place, step in enumerate(course.steps, 1):
            if step.is_failure:
                counts = found[step.error_type]
                counts[0] += course.generations
                counts[1] += course.generations * (place < len(course.steps))
                counts[2] += course.generations * course.is_success
    return tuple(
        ReasonRow(error_type=reason, attempts=attempts, retried=retried, recovered=recovered)
        for reason, (attempts, retried, recovered) in _by_frequency(found)
    )


def by_first_failure(courses: Sequence[Course]) -> tuple[FirstFailureRow, ...]:
    """By the reason of the first attempt's failure, the most frequent first."""
    found: defaultdict[str | None, list[int]] = defaultdict(lambda: [0, 0, 0])
    for course in courses:
        if course.steps[0].is_failure:
            counts = found[course.steps[0].error_type]
            counts[0] += course.generations
            counts[1] += course.generations * (len(course.steps) > 1)
            counts[2] += course.generations * course.is_success
    return tuple(
        FirstFailureRow(error_type=reason, generations=generations, retried=retried, rescued=rescued)
        for reason, (generations, retried, rescued) in _by_frequency(found)
    )


def by_attempt_number(courses: Sequence[Course]) -> tuple[RescueRow, ...]:
    """What each attempt gave and added, from the first one on. Of those in flight nothing is known yet."""
    found: defaultdict[int, list[tuple[int, Step]]] = defaultdict(list)
    for course in courses:
        for number, step in enumerate(course.steps, 1):
            if step.status is not Status.PENDING:
                found[number].append((course.generations, step))
    return tuple(_rescue(number, steps) for number, steps in sorted(found.items()))


def _rescue(number: int, steps: Sequence[tuple[int, Step]]) -> RescueRow:
    timed = sum(step.timed for _, step in steps)
    return RescueRow(
        attempt_number=number,
        attempts=sum(generations for generations, _ in steps),
        rescued=sum(generations for generations, step in steps if step.status is Status.SUCCESS),
        seconds_mean=sum(step.waited + step.seconds for _, step in steps) / timed if timed else None,
        cost_usd=total([step.cost_usd for _, step in steps]),
        cost_unknown=sum(step.cost_unknown for _, step in steps),
    )


def _by_frequency(found: dict[str | None, list[int]]) -> list[tuple[str | None, list[int]]]:
    return sorted(found.items(), key=lambda item: (-item[1][0], item[0] or ""))
