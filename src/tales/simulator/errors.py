"""Bodies of errors as OpenRouter sends them (its API reference, "Errors", and the availability errors of 2026)."""

from __future__ import annotations

from collections.abc import Mapping

from tales.domain.generation import Json
from tales.simulator.answers import PROVIDER, Answer, Call, encode, openrouter_metadata

_ERRORS: dict[int, tuple[str, str | None]] = {
    400: ("The request is not valid.", "invalid_request"),
    401: ("No auth credentials found.", "authentication"),
    402: ("Insufficient credits. Add more and try again.", "payment_required"),
    403: ("This key may not use this model.", "permission_denied"),
    404: ("No endpoints found for this model.", "not_found"),
    408: ("Operation timed out. Please try again later.", None),
    413: ("The request is too large.", "payload_too_large"),
    422: ("The request cannot be processed.", "unprocessable"),
    429: ("Rate limit exceeded.", "rate_limit_exceeded"),
    500: ("Internal Server Error", "server"),
    502: ("The provider gave no valid answer.", "provider_unavailable"),
    503: ("The provider is overloaded.", "provider_overloaded"),
    504: ("The provider did not answer in time.", "timeout"),
    524: ("A timeout occurred. Please try again later.", None),
    529: ("The provider is temporarily overloaded.", None),
}
"""Status -> message and error_type; OpenRouter names no type for some."""

ERROR_STATUSES = tuple(_ERRORS)


def error_object(
    status: int, message: str | None = None, metadata: Mapping[str, Json] | None = None
) -> dict[str, Json]:
    """The error object of `status`, as it stands in a body or in the middle of a stream."""
    usual_message, error_type = _ERRORS[status]
    error: dict[str, Json] = {"code": status, "message": message or usual_message}
    details = dict(metadata or {}) if error_type is None else {"error_type": error_type} | dict(metadata or {})
    return error | ({"metadata": details} if details else {})


def error_answer(call: Call, status: int, error: Json = None, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer with HTTP `status` and `error`, or the status's usual one, as its body."""
    body: dict[str, Json] = {"error": error_object(status) if error is None else error, "user_id": "user_simulated"}
    if call.wants_metadata and status != 500:  # OpenRouter leaves it out of a masked internal error
        body["openrouter_metadata"] = openrouter_metadata(call, status)
    return Answer(status=status, headers=headers or {}, frames=(encode(body),))


def retry_later(call: Call, status: int, seconds: int) -> Answer:
    """`status` with its hint when to come back, in the header and in the body."""
    error = error_object(status) | {"availability": _availability(call, status, retry_after=seconds)}
    return error_answer(call, status, error, {"Retry-After": str(seconds)})


def unavailable(call: Call) -> Answer:
    """The availability error of a passing fault: worth another attempt, and without the field `code`."""
    return error_answer(call, 503, _availability_error(call, 503, "provider_overloaded"))


def gone(call: Call) -> Answer:
    """The availability error of a model that will not come back."""
    return error_answer(call, 404, _availability_error(call, 404, "not_found"))


def moderation(call: Call) -> Answer:
    """A moderation error; it repeats words of the prompt, as OpenRouter's does."""
    metadata: dict[str, Json] = {
        "reasons": ["violence"],
        "flagged_input": call.prompt[-100:],
        "provider_name": PROVIDER,
        "model_slug": call.model,
    }
    return error_answer(call, 403, error_object(403, "The input was flagged by moderation.", metadata))


def raw_error(call: Call) -> Answer:
    """The older wrapper of a provider's error, whose `raw` repeats the prompt."""
    raw = f"upstream could not serve the prompt: {call.prompt}"
    metadata: Json = {"raw": raw, "provider_name": PROVIDER, "is_byok": False}
    return error_answer(call, 429, {"message": "Provider returned error", "code": 429, "metadata": metadata})


def unsupported(call: Call) -> Answer:
    """What models that think say of `max_tokens`, in the words of OpenAI."""
    message = (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    )
    error: Json = {
        "message": message,
        "type": "invalid_request_error",
        "param": "max_tokens",
        "code": "unsupported_parameter",
    }
    return error_answer(call, 400, error)


def error_with_200() -> Answer:
    """An error whose HTTP status says that all is well."""
    return Answer(frames=(encode({"error": error_object(502), "user_id": "user_simulated"}),))


def unknown_model(call: Call, why: str, known: str) -> Answer:
    """No such script: the error names the steps there are."""
    return error_answer(call, 404, error_object(404, f"{why} Known steps: {known}."))


def _availability_error(call: Call, status: int, error_type: str) -> dict[str, Json]:
    availability = _availability(call, status)
    previous: Json = [{"provider": PROVIDER.lower(), "code": availability["code"], "status": status}]
    return {
        "message": _ERRORS[status][0],
        "error_type": error_type,
        "http_status": status,
        "availability": availability,
        "metadata": {"previous_errors": previous},
    }


def _availability(call: Call, status: int, retry_after: int | None = None) -> dict[str, Json]:
    codes = {404: "model_deprecated", 429: "capacity_exhausted", 503: "temporarily_unavailable"}
    availability: dict[str, Json] = {
        "code": codes[status],
        "retryable": status != 404,
        "requested_models": [call.model],
        "affected_providers": [PROVIDER.lower()],
        "fallback_models": ["sim/ok"],
    }
    return availability | ({"retry_after": retry_after} if retry_after is not None else {})
