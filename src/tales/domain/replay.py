"""What another retry policy would have given, on the attempts that were recorded.

Known is what the record holds: an attempt that the other policy makes with the same model at the same place ends as
it ended, takes as long and costs as much. So to give up earlier is known exactly. Not known is what a call would have
given that nobody made: a later attempt, or another model. Those generations are counted apart (`undecided`): between
none and all of them give a story, and about as many as the recorded rate of their next model says. Their further calls
have no known time and cost. That another pause changes how a provider answers is not recorded either: only the waiting
is counted anew, by its mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from tales.domain.courses import Course
from tales.domain.errors import InvalidInput
from tales.domain.failures import FALLBACK_KINDS, RETRYABLE, FailureKind
from tales.domain.generation import Status
from tales.domain.reports import total
from tales.domain.statistics import share

_MOST_ATTEMPTS = 100
_LONGEST_PAUSE = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPolicy:
    """Another number of attempts, another first pause (seconds, doubled for each retry), another chain of models.

    None: as it was recorded. Raises: InvalidInput.
    """

    attempts: int | None = None
    pause: float | None = None
    chain: tuple[str, ...] | None = None
    ceiling: float = 30.0

    def __post_init__(self) -> None:
        if self.attempts is not None and not 1 <= self.attempts <= _MOST_ATTEMPTS:
            raise InvalidInput("attempts", f"attempts cannot be that. Use a whole number from 1 to {_MOST_ATTEMPTS}.")
        if self.pause is not None and not 0 <= self.pause <= _LONGEST_PAUSE:
            raise InvalidInput("pause", f"pause cannot be that. Use seconds from 0 to {_LONGEST_PAUSE}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a policy gave: `seconds` and `cost_usd` are those of the attempts that are known.

    `estimated`: the stories of the undecided, by the recorded rates of their next models; None where a rate is not
    recorded.
    """

    generations: int
    succeeded: int
    failed: int
    pending: int
    undecided: int
    attempts: int
    seconds: float
    cost_usd: Decimal | None
    cost_unknown: int
    estimated: float | None

    @property
    def success_low(self) -> float | None:
        """The rate of success, if no undecided generation gives a story."""
        return share(self.succeeded, self.generations - self.pending)

    @property
    def success_high(self) -> float | None:
        """The rate of success, if each of them does."""
        return share(self.succeeded + self.undecided, self.generations - self.pending)


@dataclass(frozen=True, slots=True)
class _Replayed:
    """One course under a policy: how many of its attempts are made, and how it ends; None: not known."""

    made: int
    status: Status | None
    next_model: str | None = None


def replay(courses: Sequence[Course], policy: ReplayPolicy) -> Outcome:
    """What `policy` would have given. With nothing but None in it, or with what was recorded: what happened."""
    ends = [(course, _replay_one(course, policy)) for course in courses]
    undecided = [(course.generations, end.next_model) for course, end in ends if end.status is None]
    kept = [(course, place, step) for course, end in ends for place, step in enumerate(course.steps[: end.made])]
    return Outcome(
        generations=sum(course.generations for course in courses),
        succeeded=_count(ends, {Status.SUCCESS}),
        failed=_count(ends, {Status.FAILED, Status.TIMEOUT}),
        pending=_count(ends, {Status.PENDING}),
        undecided=sum(generations for generations, _ in undecided),
        attempts=sum(course.generations for course, _, _ in kept),
        seconds=sum(step.seconds + _waited(course, place, policy) for course, place, step in kept),
        cost_usd=total([step.cost_usd for _, _, step in kept]),
        cost_unknown=sum(step.cost_unknown for _, _, step in kept),
        estimated=_estimated(undecided, _rates(courses)),
    )


def _count(ends: Sequence[tuple[Course, _Replayed]], statuses: set[Status]) -> int:
    return sum(course.generations for course, end in ends if end.status in statuses)


def _replay_one(course: Course, policy: ReplayPolicy) -> _Replayed:
    used: list[str] = []
    for place, step in enumerate(course.steps):
        if policy.attempts is not None and place >= policy.attempts:
            return _Replayed(place, course.steps[place - 1].status)
        model = step.model_used if policy.chain is None else _model(policy.chain, used, course, place)
        if model != step.model_used:
            return _Replayed(place, None, model)
        used.append(model)
    last = course.steps[-1]
    goes_on = policy.attempts is not None and len(used) < policy.attempts and _is_tried_again(course, policy.chain)
    if goes_on:
        chain = policy.chain or ()
        return _Replayed(len(used), None, _model(chain, used, course, len(used)) if chain else last.model_used)
    return _Replayed(len(used), last.status)


def _model(chain: Sequence[str], used: Sequence[str], course: Course, place: int) -> str:
    """The model of an attempt, as `RetryPolicy` chooses it: the first one that is left, or the last one again."""
    if place and course.steps[place - 1].error_type == FailureKind.WORKER_LOST:
        return used[-1]
    return next((model for model in chain if model not in used), used[-1] if used else chain[0])


def _is_tried_again(course: Course, chain: tuple[str, ...] | None) -> bool:
    """Whether a policy that has attempts left makes another one. What the provider asked for is not recorded."""
    last = course.steps[-1]
    if last.status not in {Status.FAILED, Status.TIMEOUT}:
        return False
    has_another = chain is None or any(model not in {step.model_used for step in course.steps} for model in chain)
    return last.error_type in RETRYABLE or (last.error_type in FALLBACK_KINDS and has_another)


def _waited(course: Course, place: int, policy: ReplayPolicy) -> float:
    """Seconds that all generations of a course waited before an attempt. A pause is drawn evenly from 0 on."""
    step = course.steps[place]
    if place == 0 or policy.pause is None:
        return step.waited
    return step.timed * min(policy.ceiling, policy.pause * 2.0 ** (place - 1)) / 2


def _rates(courses: Sequence[Course]) -> dict[str, float]:
    """The share of each model's recorded attempts that gave a story."""
    counts: dict[str, list[int]] = {}
    for course in courses:
        for step in course.steps:
            if step.status is not Status.PENDING:
                ended = counts.setdefault(step.model_used, [0, 0])
                ended[0] += course.generations * (step.status is Status.SUCCESS)
                ended[1] += course.generations
    return {model: success / ended for model, (success, ended) in counts.items()}


def _estimated(undecided: Sequence[tuple[int, str | None]], rates: dict[str, float]) -> float | None:
    if any(model not in rates for _, model in undecided):
        return None
    return sum(generations * rates[model or ""] for generations, model in undecided)
