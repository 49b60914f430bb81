"""What a provider says went wrong -> a `Failure` of our vocabulary, in our own words.

Words are looked up first (OpenRouter's `error_type`, then availability codes, then the codes and types of OpenAI and
llama.cpp), the status second. A provider's own message is never repeated: it can quote the prompt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tales.domain.failures import Failure, FailureKind
from tales.domain.generation import Json
from tales.infrastructure.providers.endpoint import Endpoint

LONGEST_WAIT = 366 * 86_400.0
"""Seconds; a `Retry-After` beyond a year is no hint but an error, such as a time of day."""

_KINDS_BY_WORD = {
    # OpenRouter's stable vocabulary.
    "invalid_request": FailureKind.INVALID_REQUEST,
    "invalid_prompt": FailureKind.INVALID_REQUEST,
    "context_length_exceeded": FailureKind.INVALID_REQUEST,
    "max_tokens_exceeded": FailureKind.INVALID_REQUEST,
    "token_limit_exceeded": FailureKind.INVALID_REQUEST,
    "string_too_long": FailureKind.INVALID_REQUEST,
    "precondition_failed": FailureKind.INVALID_REQUEST,
    "payload_too_large": FailureKind.INVALID_REQUEST,
    "unprocessable": FailureKind.INVALID_REQUEST,
    "content_policy_violation": FailureKind.CONTENT_POLICY,
    "refusal": FailureKind.REFUSAL,
    "authentication": FailureKind.AUTHENTICATION,
    "payment_required": FailureKind.PAYMENT_REQUIRED,
    "permission_denied": FailureKind.PERMISSION_DENIED,
    "not_found": FailureKind.MODEL_NOT_FOUND,
    "rate_limit_exceeded": FailureKind.RATE_LIMITED,
    "server": FailureKind.SERVER_ERROR,
    "unmapped": FailureKind.SERVER_ERROR,
    "provider_unavailable": FailureKind.PROVIDER_UNAVAILABLE,
    "provider_overloaded": FailureKind.OVERLOADED,
    "timeout": FailureKind.PROVIDER_TIMEOUT,
    # The codes of its availability errors.
    "model_not_found": FailureKind.MODEL_NOT_FOUND,
    "wrong_endpoint": FailureKind.INVALID_REQUEST,
    "no_endpoints": FailureKind.MODEL_NOT_FOUND,
    "model_deprecated": FailureKind.MODEL_NOT_FOUND,
    "model_unavailable_upstream": FailureKind.MODEL_NOT_FOUND,
    "privacy_restricted": FailureKind.MODEL_NOT_FOUND,
    "constraint_filtered": FailureKind.MODEL_NOT_FOUND,
    "free_variant_ended": FailureKind.MODEL_NOT_FOUND,
    "capacity_exhausted": FailureKind.RATE_LIMITED,
    "temporarily_unavailable": FailureKind.OVERLOADED,
    "region_restricted": FailureKind.PERMISSION_DENIED,
    # OpenAI, Azure and llama.cpp, where the status does not say it all.
    "insufficient_quota": FailureKind.PAYMENT_REQUIRED,
    "invalid_api_key": FailureKind.AUTHENTICATION,
    "content_filter": FailureKind.CONTENT_POLICY,
    "exceed_context_size_error": FailureKind.INVALID_REQUEST,
    "unavailable_error": FailureKind.OVERLOADED,
}

_KINDS_BY_STATUS = {
    401: FailureKind.AUTHENTICATION,
    402: FailureKind.PAYMENT_REQUIRED,
    403: FailureKind.PERMISSION_DENIED,
    404: FailureKind.MODEL_NOT_FOUND,
    408: FailureKind.PROVIDER_TIMEOUT,
    410: FailureKind.MODEL_NOT_FOUND,
    429: FailureKind.RATE_LIMITED,
    502: FailureKind.PROVIDER_UNAVAILABLE,
    503: FailureKind.OVERLOADED,
    504: FailureKind.PROVIDER_TIMEOUT,
    524: FailureKind.PROVIDER_TIMEOUT,
    529: FailureKind.OVERLOADED,
}

_SENTENCES = {
    FailureKind.INVALID_REQUEST: (
        "The provider refused the request as invalid{}. Check that the model takes a prompt and a story of this length."
    ),
    FailureKind.CONTENT_POLICY: "The provider's moderation or a guardrail stopped the request{}. Change the wish.",
    FailureKind.REFUSAL: "The provider says that the model refused to write the story{}.",
    FailureKind.AUTHENTICATION: "The provider refused the key{}.",
    FailureKind.PAYMENT_REQUIRED: (
        "The provider's account has no credit left, or its key has reached its limit{}. Add credit, or raise the limit."
    ),
    FailureKind.PERMISSION_DENIED: (
        "The provider does not let this key use the model{}. Check the key's permissions, budget and region."
    ),
    FailureKind.MODEL_NOT_FOUND: ("The provider has no such model, or none that the account's settings allow{}."),
    FailureKind.RATE_LIMITED: "The provider takes no more requests for now{}. Try again later.",
    FailureKind.OVERLOADED: "The provider is overloaded or not ready{}. Try again later.",
    FailureKind.PROVIDER_TIMEOUT: "The provider says that the model took too long{}. Try again later.",
    FailureKind.PROVIDER_UNAVAILABLE: "The provider could not get a valid answer from the model{}. Try again later.",
    FailureKind.SERVER_ERROR: "The provider had an internal error{}. Try again later.",
}

# Where the status does not say it: OpenRouter and LM Studio of a model, LM Studio of a path, with HTTP 200.
_NO_MODEL = re.compile(
    r"not a valid model|invalid model|no models? (?:is |are )?loaded|model\b.* (?:not found|not exist)", re.IGNORECASE
)
_NO_PATH = re.compile(r"unexpected endpoint", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,12}(\.\d{1,12})?", re.ASCII)


def provider_failure(
    status: int, headers: Mapping[str, str], error: Json, now: datetime, endpoint: Endpoint | None = None
) -> Failure:
    """The failure that a provider reports by HTTP `status` (200 when in the body alone) and the body's `error`."""
    report = error if isinstance(error, Mapping) else {}
    inner = _status(report.get("code")) or _status(report.get("http_status"))
    shown = status if status >= 300 else inner
    availability = _object(report, "availability")
    retryable = availability.get("retryable")
    kind = _kind(report, inner or status, _message(error))
    hint = retry_after_seconds(availability.get("retry_after"), now)
    return Failure(
        kind,
        _sentence(kind, shown, error, endpoint),
        http_status=shown if shown is not None else status,
        retry_after=hint if hint is not None else retry_after_seconds(headers.get("Retry-After"), now),
        retryable=retryable if isinstance(retryable, bool) else None,
    )


def _sentence(kind: FailureKind, status: int | None, error: Json, endpoint: Endpoint | None) -> str:
    """What went wrong, and which of the settings that are set to look at."""
    shown = f" (HTTP {status})" if status is not None else ""
    sentence = _SENTENCES[kind].format(shown)
    if endpoint is None:
        return sentence
    names = endpoint.names
    if names.address and (
        _NO_PATH.match(_message(error)) or (status in (404, 405) and not _names_model(error, endpoint))
    ):
        return f"There is nothing for chats at the provider's address{shown}.{endpoint.check_address}"
    if kind is FailureKind.AUTHENTICATION and names.key is None and names.place_for_key is not None:
        return f"The provider wants a key{shown}, and none is set. Set {names.place_for_key}."
    if kind is FailureKind.AUTHENTICATION:
        return sentence + names.check(names.key)
    if kind is FailureKind.MODEL_NOT_FOUND:
        return sentence + names.check(names.models)
    # A path that nobody serves is answered in many ways.
    return sentence + (endpoint.check_address if isinstance(error, str) and endpoint.lacks_version else "")


def _names_model(error: Json, endpoint: Endpoint) -> bool:
    """Whether an error of "not found" is about a model, and not about the address."""
    if not isinstance(error, Mapping):
        return isinstance(error, str) and "model" in error.lower()
    words = (error.get("message"), error.get("code"), error.get("type"), error.get("param"))
    is_named = any("model" in word.lower() for word in words if isinstance(word, str))
    return is_named or not endpoint.lacks_version


def retry_after_seconds(value: Json, now: datetime) -> float | None:
    """The seconds that `value` asks to wait: a number, or a date of HTTP; None where it is neither."""
    if isinstance(value, str):
        text = value.strip()
        seconds = float(text) if _NUMBER.fullmatch(text) else _seconds_until(text, now)
    else:
        seconds = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    return float(seconds) if seconds is not None and 0 <= seconds <= LONGEST_WAIT else None


def _seconds_until(date: str, now: datetime) -> float | None:
    """From `now` to a date of HTTP, at least 0."""
    try:
        moment = parsedate_to_datetime(date)
        return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _message(error: Json) -> str:
    """The words of an error."""
    message = error.get("message") if isinstance(error, Mapping) else error
    return message if isinstance(message, str) else ""


def _kind(report: Mapping[str, Json], status: int, message: str) -> FailureKind:
    metadata = _object(report, "metadata")
    words = (
        metadata.get("error_type"),
        report.get("error_type"),
        _object(report, "availability").get("code"),
        report.get("code"),
        report.get("type"),
    )
    by_word = (_KINDS_BY_WORD.get(word.lower()) for word in words if isinstance(word, str))
    kind = next((kind for kind in by_word if kind is not None), None) or _kind_of_status(status)
    if _NO_PATH.match(message) or (kind is FailureKind.INVALID_REQUEST and _NO_MODEL.search(message)):
        return FailureKind.MODEL_NOT_FOUND
    moderated = any(metadata.get(name) for name in ("reasons", "flagged_input", "patterns"))
    return FailureKind.CONTENT_POLICY if kind is FailureKind.PERMISSION_DENIED and moderated else kind


def _kind_of_status(status: int) -> FailureKind:
    """Unknown refusals are ours to mend; everything else unknown may pass."""
    other = FailureKind.INVALID_REQUEST if 300 <= status < 500 else FailureKind.SERVER_ERROR
    return _KINDS_BY_STATUS.get(status, other)


def _status(code: Json) -> int | None:
    """An error's code as an HTTP status, whether number or text."""
    if isinstance(code, str) and code.isascii() and code.isdigit():
        code = int(code[:4])
    return int(code) if isinstance(code, int | float) and 400 <= code <= 599 else None


def _object(fields: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    value = fields.get(name)
    return value if isinstance(value, Mapping) else {}
