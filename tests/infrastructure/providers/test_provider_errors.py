"""What a provider says went wrong, folded into our own few kinds and said in our own words."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tales.domain.failures import Failure, FailureKind
from tales.infrastructure.providers.provider_errors import provider_failure, retry_after_seconds
from tests.fixtures.time import NOON

CANARY = "Mia the canary"


def failure(status: int, error: Any = None, **headers: str) -> Failure:
    return provider_failure(status, {name.replace("_", "-"): value for name, value in headers.items()}, error, NOON)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, FailureKind.INVALID_REQUEST),
        (401, FailureKind.AUTHENTICATION),
        (402, FailureKind.PAYMENT_REQUIRED),
        (403, FailureKind.PERMISSION_DENIED),
        (404, FailureKind.MODEL_NOT_FOUND),
        (408, FailureKind.PROVIDER_TIMEOUT),
        (412, FailureKind.INVALID_REQUEST),
        (413, FailureKind.INVALID_REQUEST),
        (418, FailureKind.INVALID_REQUEST),
        (422, FailureKind.INVALID_REQUEST),
        (429, FailureKind.RATE_LIMITED),
        (500, FailureKind.SERVER_ERROR),
        (502, FailureKind.PROVIDER_UNAVAILABLE),
        (503, FailureKind.OVERLOADED),
        (504, FailureKind.PROVIDER_TIMEOUT),
        (524, FailureKind.PROVIDER_TIMEOUT),
        (529, FailureKind.OVERLOADED),
        (599, FailureKind.SERVER_ERROR),
    ],
)
def test_a_status_has_its_kind_wherever_it_stands(status: int, kind: FailureKind) -> None:
    by_status = failure(status)
    assert (by_status.kind, by_status.http_status) == (kind, status)
    assert str(status) in by_status.message
    for error in ({"code": status}, {"code": str(status)}, {"http_status": status}):
        in_band = failure(200, error)
        assert (in_band.kind, in_band.http_status) == (kind, status)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("context_length_exceeded", FailureKind.INVALID_REQUEST),
        ("content_policy_violation", FailureKind.CONTENT_POLICY),
        ("refusal", FailureKind.REFUSAL),
        ("authentication", FailureKind.AUTHENTICATION),
        ("payment_required", FailureKind.PAYMENT_REQUIRED),
        ("permission_denied", FailureKind.PERMISSION_DENIED),
        ("not_found", FailureKind.MODEL_NOT_FOUND),
        ("rate_limit_exceeded", FailureKind.RATE_LIMITED),
        ("provider_unavailable", FailureKind.PROVIDER_UNAVAILABLE),
        ("provider_overloaded", FailureKind.OVERLOADED),
        ("timeout", FailureKind.PROVIDER_TIMEOUT),
        ("server", FailureKind.SERVER_ERROR),
    ],
)
def test_openrouters_words_count_wherever_they_stand(word: str, kind: FailureKind) -> None:
    assert failure(200, {"metadata": {"error_type": word}}).kind is kind
    assert failure(200, {"error_type": word}).kind is kind
    assert failure(400, {"code": 400, "metadata": {"error_type": word}}).kind is kind


def test_a_word_beats_the_status() -> None:
    assert failure(429, {"code": "insufficient_quota"}).kind is FailureKind.PAYMENT_REQUIRED
    assert failure(400, {"type": "invalid_request_error", "code": "content_filter"}).kind is FailureKind.CONTENT_POLICY
    assert failure(503, {"code": 503, "type": "unavailable_error"}).kind is FailureKind.OVERLOADED


def test_what_nobody_knows_is_a_server_error() -> None:
    for error in ("overloaded", ["?"], {"code": "server_error"}, {"code": True}, {"code": 7, "metadata": []}):
        assert failure(200, error).kind is FailureKind.SERVER_ERROR
        assert failure(200, error).http_status == 200


@pytest.mark.parametrize("metadata", [{"reasons": ["x"]}, {"flagged_input": CANARY}, {"patterns": ["x"]}])
def test_a_moderated_403_is_content_policy(metadata: dict[str, Any]) -> None:
    assert failure(403, {"code": 403, "metadata": metadata}).kind is FailureKind.CONTENT_POLICY
    typed = {"metadata": metadata | {"error_type": "permission_denied"}}
    assert failure(403, typed).kind is FailureKind.CONTENT_POLICY
    assert failure(403, {"code": 403, "metadata": {"reasons": []}}).kind is FailureKind.PERMISSION_DENIED


def test_availability_says_whether_and_when_to_try_again() -> None:
    availability = {"code": "capacity_exhausted", "retryable": True, "retry_after": 40}
    found = failure(404, {"http_status": 404, "availability": availability}, Retry_After="9")
    assert (found.retryable, found.retry_after, found.kind) == (True, 40.0, FailureKind.RATE_LIMITED)
    gone = failure(404, {"availability": {"code": "model_deprecated", "retryable": False}}, Retry_After="9")
    assert (gone.retryable, gone.retry_after, gone.kind) == (False, 9.0, FailureKind.MODEL_NOT_FOUND)
    assert failure(404, {"availability": {"retryable": "yes"}}).retryable is None


@pytest.mark.parametrize(("value", "seconds"), [("7", 7.0), (" 0 ", 0.0), ("1.5", 1.5), (40, 40.0), (0.25, 0.25)])
def test_retry_after_is_a_number_of_seconds(value: Any, seconds: float) -> None:
    assert retry_after_seconds(value, NOON) == seconds


def test_retry_after_is_a_date() -> None:
    later = format_datetime(NOON + timedelta(seconds=90), usegmt=True)
    earlier = format_datetime(NOON - timedelta(seconds=90), usegmt=True)
    assert retry_after_seconds(later, NOON) == 90.0
    assert retry_after_seconds(earlier, NOON) == 0.0


@pytest.mark.parametrize(
    "value",
    [
        *("", "-5", "soon", "nan", "inf", "1e9", "1_0", "٣", "9" * 400, "1774008000"),
        *("Fri, 99 Foo 2026 99:99:99 GMT", "Fri, 20 Mar 9999 12:00:00 GMT"),
        *(-1, True, None, [3], 10**400, 1e300),
    ],
)
def test_a_retry_after_that_makes_no_sense_is_ignored(value: Any) -> None:
    assert retry_after_seconds(value, NOON) is None


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["code", "http_status", "type", "error_type", "metadata", "availability", "retry_after"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.integers(100, 999), JUNK, st.text(max_size=12))
def test_any_error_gives_a_failure_with_a_sane_wait(status: int, error: Any, header: str) -> None:
    found = failure(status, error, Retry_After=header)
    assert found.retry_after is None or found.retry_after >= 0
    assert found.message.endswith(".")


def test_nobodys_words_are_in_the_message() -> None:
    error = {
        "code": CANARY,
        "message": CANARY,
        "type": CANARY,
        "error_type": CANARY,
        "metadata": {"raw": CANARY, "flagged_input": CANARY, "error_type": CANARY, "provider_name": CANARY},
    }
    for status in (200, 400, 401, 403, 404, 429, 500, 503):
        assert CANARY not in repr(failure(status, error, Retry_After=CANARY))
