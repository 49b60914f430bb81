"""Whether an answer is a whole one, and if not, why. HTTP 200 alone says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from tales.domain.failures import Failure, FailureKind
from tales.domain.finish_reasons import Ending, ending_of, plain_reason
from tales.domain.generation import Json
from tales.infrastructure.providers import completion
from tales.infrastructure.providers.endpoint import Endpoint
from tales.infrastructure.providers.provider_errors import provider_failure

_MUST_HAVE_TEXT = (Ending.WHOLE, Ending.BROKEN, Ending.UNKNOWN)


@dataclass(frozen=True, slots=True)
class OutcomeEvidence:
    """What is known of an answer whose headers came.

    `cut` says why we stopped reading, where we did; `is_stream` whether what came was a stream; `was_whole` whether
    the text had ended before an error was reported.
    """

    status: int
    headers: Mapping[str, str]
    body: Json
    cut: Failure | None
    is_stream: bool
    was_whole: bool = False


def classify_outcome(evidence: OutcomeEvidence, now: datetime, endpoint: Endpoint) -> Failure | None:
    """Why the answer is no complete one; None when it is. `now` dates a `Retry-After`.

    What the provider says goes before how the connection ended. Once a finish reason has come the text is whole, and
    no cut takes that back. Without one it is not, not even after `[DONE]`: half a story told as a whole one is worse
    than another attempt. Whether the text makes a story (what the reason means, its length, a refusal in it) is not
    asked here.
    """
    body = evidence.body
    error = completion.error_of(body)
    if 300 <= evidence.status < 400:
        return Failure(
            FailureKind.INVALID_REQUEST,
            f"The provider redirected the request (HTTP {evidence.status}), which is not followed."
            f"{endpoint.check_address}",
            http_status=evidence.status,
        )
    if (error is not None and not evidence.was_whole) or not 200 <= evidence.status < 300:
        return provider_failure(evidence.status, evidence.headers, error, now, endpoint)
    reason = completion.finish_reason(body)
    if reason is None:
        cut = evidence.cut
        return replace(cut, http_status=evidence.status) if cut is not None else _unfinished(evidence, endpoint)
    if plain_reason(reason) == "error":
        return Failure(
            FailureKind.PROVIDER_UNAVAILABLE,
            "The provider ended the answer with an error, and does not say which.",
            http_status=evidence.status,
        )
    return _empty(body, evidence.status) if ending_of(reason) in _MUST_HAVE_TEXT else None


def _unfinished(evidence: OutcomeEvidence, endpoint: Endpoint) -> Failure:
    if completion.is_completion(evidence.body) or evidence.is_stream:
        return Failure(
            FailureKind.STREAM_INTERRUPTED,
            "The provider's answer ended without a finish reason: it may be half an answer.",
            http_status=evidence.status,
        )
    return Failure(
        FailureKind.MALFORMED_RESPONSE,
        f"The provider answered with something else than a completion (HTTP {evidence.status})."
        f"{endpoint.check_address}",
        http_status=evidence.status,
    )


def _empty(body: Json, status: int) -> Failure | None:
    if completion.story_text(body).strip():
        return None
    if completion.refusal_text(body).strip():
        return Failure(FailureKind.REFUSAL, "The model refused to write the story.", http_status=status)
    return Failure(
        FailureKind.EMPTY, "The model's answer is empty, though the provider calls it complete.", http_status=status
    )
