"""Why something that was asked for on a page was not done, in the visitor's language.

The errors' own sentences are for programs and in English; here each has the sentence of its field or kind.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from tales.domain import errors
from tales.domain.budgets import UnpricedModels
from tales.domain.prompt_templates import BrokenTemplate
from tales.interfaces.api.problem_kinds import kind_of
from tales.interfaces.web.languages import language_of, translatable


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a page says of an error: `field` is the one that is wrong, empty when it is none in particular."""

    status: int
    field: str
    message: str


_ANY_FIELD = translatable("This cannot be used. Change it.")
_ANY_LIMIT = translatable("That was too often. Try again in %(seconds)s seconds.")
_NO_TIME = translatable("This is no period. Write dates such as 2026-11-01, the earlier one first.")
_NO_ID = translatable("This is no id. Copy it whole from a page.")
_NO_NUMBER = translatable("Use a number such as 0.05.")
_NO_DOLLARS = translatable("Use US dollars from 0 to 1000000, such as 1500 or 0.15.")
_FIELDS = {
    "email": translatable("This is no e-mail address. Write it like name@example.com."),
    "password": translatable("Use a longer password, and none that others would try first."),
    "new_password": translatable("Use a longer password, and none that others would try first."),
    "current_password": translatable("This is not your present password. Check it."),
    "name": translatable("Write 1 to 80 characters."),
    "gender": translatable("Write 1 to 80 characters."),
    "age": translatable("Use a whole number of years from 0 to 17."),
    "interests": translatable("Name at most 12 things, each in at most 60 characters."),
    "appearance": translatable("Write at most 400 characters."),
    "moral": translatable("Say what the story shall be about, in at most 200 characters."),
    "relationship_description": translatable("Say how the two know each other, in at most 300 characters."),
    "child_id": translatable("Choose a child, a hero, or both."),
    "hero_id": translatable("Choose a child, a hero, or both."),
    "story_length": translatable("The storyteller here does not write stories of this length. Choose a shorter one."),
    "language": translatable("The storyteller here does not write in this language. Choose another one."),
    "code": translatable("This code is not valid, or no longer. Ask for another one."),
    "title": translatable("Write a title of 1 to 120 characters."),
    "q": translatable("Write a word to look for."),
    "since": _NO_TIME,
    "from": _NO_TIME,
    "to": _NO_TIME,
    "zone": translatable("This is no time zone. Write one such as Europe/Berlin."),
    "user_id": _NO_ID,
    "id": _NO_ID,
    "attempts": translatable("Use a whole number of attempts from 1 to 100."),
    "pause": translatable("Use seconds from 0 to 3600."),
    "cost_over": _NO_NUMBER,
    "slower_than": _NO_NUMBER,
    "weight": translatable("Use a whole number from 1 to 1000."),
    "minutes": translatable("Use whole minutes from 1 to 30."),
    "note": translatable("Write at most 300 characters on one line."),
    "story_type": translatable("Choose a kind of story."),
    "model": translatable("This is no model's name. Copy it from a page."),
    "scope": translatable("Say what the budget is for, and fill in the model or the family for that kind alone."),
    "period": translatable("Choose a day or a month."),
    "limit_usd": _NO_DOLLARS,
    "warn_share": translatable("Use a share from 0.001 to 1, such as 0.8."),
    "prompt_usd_per_million": _NO_DOLLARS,
    "completion_usd_per_million": _NO_DOLLARS,
    "request_usd": _NO_DOLLARS,
    "valid_from": translatable("Write a time that is still to come, such as 2026-11-01, or nothing."),
    "by": translatable("Nobody is known by this. Write an address, a whole id, or operator."),
    "relation": translatable("Choose what was changed."),
    "measure": translatable("Choose a goal."),
    "models": translatable("Choose from 1 to 8 of the models that are offered, each once."),
    "floor_percent": translatable("Use whole percent from 1 to 50."),
    "least_success_percent": translatable("Use whole percent from 1 to 100."),
    "window_days": translatable("Use whole days from 1 to 366."),
    "other": translatable("Choose a version of the same kind of story and language."),
}
_UNPRICED = translatable("First set the prices of these models, or no budget can hold:")
_BROKEN = translatable("This text cannot be a prompt:")
_BUDGET = translatable("No new stories can be written for now: what they may cost is used up. Ask again another day.")
_LIMITS = {
    "budget": _BUDGET,
    "model_budget": _BUDGET,
    "user_budget": _BUDGET,
    "generations_per_day": translatable("These were all the stories for today. Tomorrow there are new ones."),
    "concurrent_generations": translatable(
        "The storyteller is still writing your last story. Wait for it, then ask again."
    ),
}

EXPECTED = (errors.InvalidInput, errors.Conflict, errors.Unauthenticated, errors.TooManyRequests)
"""The errors that a page tells above the form that was sent, with all that was filled in."""


def refusal(request: Request, error: errors.TalesError) -> Refusal:
    """How the visitor is told of `error`."""
    say = language_of(request).translations.gettext
    status = kind_of(error).status
    if isinstance(error, BrokenTemplate):
        # Operators write templates: only the error's own sentence says where theirs is wrong.
        return Refusal(status, error.field, f"{say(_BROKEN)} {error.message}")
    if isinstance(error, UnpricedModels):
        return Refusal(status, error.field, f"{say(_UNPRICED)} {', '.join(error.models)}")
    if isinstance(error, errors.InvalidInput):
        return Refusal(status, error.field, say(_FIELDS.get(error.field, _ANY_FIELD)))
    if isinstance(error, errors.TooManyRequests):
        sentence = say(_LIMITS.get(error.limit or "", _ANY_LIMIT))
        return Refusal(status, "", sentence.replace("%(seconds)s", str(error.retry_after)))
    if isinstance(error, errors.Unauthenticated):
        return Refusal(status, "", say("The address or the password is wrong. Check both."))
    return Refusal(status, "", say("This cannot be done now. Load the page again and look how it stands."))
