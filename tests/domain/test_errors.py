from __future__ import annotations

from uuid import UUID

import pytest

from tales.domain.errors import (
    Conflict,
    Forbidden,
    GenerationFailed,
    GenerationTimeout,
    IllegalTransition,
    InvalidInput,
    NotFound,
    QueueFull,
    TalesError,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    VersionConflict,
)

ALL = (
    TalesError,
    InvalidInput,
    NotFound,
    Conflict,
    IllegalTransition,
    VersionConflict,
    Unauthenticated,
    Forbidden,
    TooManyRequests,
    GenerationFailed,
    GenerationTimeout,
    QueueFull,
    Unavailable,
)
WITH_DEFAULT = (TalesError, Conflict, IllegalTransition, VersionConflict, Unauthenticated, Forbidden, Unavailable)


def test_this_list_knows_every_error_of_the_tree() -> None:
    found = {TalesError}
    for error in ALL:
        found.update(sub for sub in error.__subclasses__() if sub.__module__ == TalesError.__module__)
    assert found == set(ALL)


def test_each_error_has_a_code_of_its_own() -> None:
    assert len({error.code for error in ALL}) == len(ALL)


@pytest.mark.parametrize("error", WITH_DEFAULT)
def test_the_docstring_is_the_default_message(error: type[TalesError]) -> None:
    assert error().message == str(error()) == error.__doc__


@pytest.mark.parametrize("error", WITH_DEFAULT)
def test_a_message_replaces_the_default(error: type[TalesError]) -> None:
    assert error("The lamp is out.").message == str(error("The lamp is out.")) == "The lamp is out."


def test_invalid_input_names_the_field() -> None:
    error = InvalidInput("child.age", "age is 99.")
    assert (error.field, error.message) == ("child.age", "age is 99.")


def test_not_found_says_what_was_looked_for_and_what_to_do() -> None:
    error = NotFound("story", 7)
    assert (error.kind, error.message) == ("story", "There is no story 7. Check its id.")


@pytest.mark.parametrize(("seconds", "whole"), [(0.2, 1), (-3, 1), (2, 2), (2.1, 3)])
def test_too_many_requests_says_when_to_ask_again_in_whole_seconds(seconds: float, whole: int) -> None:
    assert TooManyRequests(seconds).retry_after == whole
    assert TooManyRequests(seconds).message == TooManyRequests.__doc__
    assert TooManyRequests(seconds, "One story is enough.").message == "One story is enough."


def test_an_illegal_transition_is_a_conflict() -> None:
    with pytest.raises(Conflict):
        raise IllegalTransition


def test_a_generation_without_a_story_says_why() -> None:
    generation = UUID(int=7)

    assert (
        GenerationFailed(generation, "The lamp is out.").message == "No story came of this: The lamp is out. Ask again."
    )
    assert GenerationFailed(generation).message == GenerationFailed.__doc__
    assert GenerationTimeout(generation).message == GenerationTimeout.__doc__
    assert GenerationFailed(generation).generation_id == GenerationTimeout(generation).generation_id == generation
