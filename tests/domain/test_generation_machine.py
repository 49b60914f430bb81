"""Whatever happens to a generation, in whatever order, its attempts keep their rules."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tales.domain.errors import IllegalTransition
from tales.domain.generation import Attempt, AttemptOutcome, Generation, Status, check_transition
from tests.domain.factories import GENERATION_ID, USER_ID, make_attempt

MODELS = st.sampled_from(["a/one", "b/two", "c/three"])
ENDS = st.sampled_from([status for status in Status if status.is_final])


class GenerationMachine(RuleBasedStateMachine):
    """Ends attempts and tries again, as workers, cancelling users and the reaper do."""

    generation: Generation

    @initialize()
    def a_parent_asks_for_a_story(self) -> None:
        self.generation = Generation(GENERATION_ID, USER_ID, (make_attempt(),))

    @precondition(lambda self: not self.generation.status.is_final)
    @rule(status=ENDS)
    def the_call_ends(self, status: Status) -> None:
        outcome = AttemptOutcome(status=status)
        check_transition(self.generation.status, outcome.status)
        ended = replace(self.generation.latest, status=outcome.status)
        self.generation = replace(self.generation, attempts=(*self.generation.attempts[:-1], ended))

    @precondition(lambda self: self.generation.status.is_final)
    @rule(status=st.sampled_from(Status))
    def a_late_answer_changes_nothing(self, status: Status) -> None:
        with pytest.raises(IllegalTransition):
            check_transition(self.generation.status, status)

    @precondition(lambda self: self.generation.status in {Status.FAILED, Status.TIMEOUT})
    @rule(model=MODELS)
    def it_is_tried_again(self, model: str) -> None:
        self.generation = replace(self.generation, attempts=(*self.generation.attempts, self.following(model)))

    @precondition(lambda self: self.generation.status in {Status.PENDING, Status.SUCCESS})
    @rule(model=MODELS)
    def it_cannot_be_tried_again_now(self, model: str) -> None:
        with pytest.raises(ValueError, match="goes on after a success or beside a call in flight"):
            replace(self.generation, attempts=(*self.generation.attempts, self.following(model)))

    def following(self, model: str) -> Attempt:
        """The attempt after the latest."""
        latest = self.generation.latest
        return replace(latest, id=latest.id.next, model_used=model, status=Status.PENDING)

    @invariant()
    def attempts_are_1_to_n_without_a_gap(self) -> None:
        numbers = [attempt.id.attempt_number for attempt in self.generation.attempts]
        assert numbers == list(range(1, len(numbers) + 1))

    @invariant()
    def one_success_at_most_and_one_call_in_flight_and_each_is_the_last(self) -> None:
        for attempt in self.generation.attempts[:-1]:
            assert attempt.status in {Status.FAILED, Status.TIMEOUT}


TestGeneration = GenerationMachine.TestCase
TestGeneration.settings = settings(stateful_step_count=20)
