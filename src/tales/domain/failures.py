"""What can go wrong with a call to a model, by kind.

`FailureKind` is the vocabulary of the column `error_type`: small, stable, and repeated in the table's CHECK
(a test holds the two together). OpenRouter's own vocabulary (its error reference) is folded into it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tales.domain.generation import Status


class FailureKind(StrEnum):
    """Why an attempt did not give a story."""

    # The call itself.
    CONNECTION = "connection"  # no connection, or it broke before an answer began
    CONNECT_TIMEOUT = "connect_timeout"
    FIRST_TOKEN_TIMEOUT = "first_token_timeout"
    IDLE_TIMEOUT = "idle_timeout"  # a pause between two tokens was too long
    DEADLINE = "deadline"  # the whole attempt took too long
    PROVIDER_TIMEOUT = "provider_timeout"  # the provider itself says that it took too long (408, 504, 524)
    STREAM_INTERRUPTED = "stream_interrupted"  # the stream ended before the answer did
    RESPONSE_TOO_LARGE = "response_too_large"
    MALFORMED_RESPONSE = "malformed_response"
    # What the provider says.
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    SERVER_ERROR = "server_error"
    INVALID_REQUEST = "invalid_request"
    AUTHENTICATION = "authentication"
    PAYMENT_REQUIRED = "payment_required"
    PERMISSION_DENIED = "permission_denied"
    MODEL_NOT_FOUND = "model_not_found"
    CONTENT_POLICY = "content_policy"  # moderation, a guardrail or a content filter stepped in
    # What the model wrote.
    EMPTY = "empty"
    TRUNCATED = "truncated"
    REFUSAL = "refusal"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    WRONG_LANGUAGE = "wrong_language"
    NAME_MISSING = "name_missing"  # of the child or the hero
    FACTS = "facts"  # a list of them, or a year, a brand, an address
    ECHO = "echo"  # of the prompt's instructions
    META = "meta"  # it speaks of itself as a text
    MARKUP = "markup"
    LOOP = "loop"
    GARBLED = "garbled"  # broken characters, mixed scripts
    UNSUITABLE = "unsuitable"  # a word that is not for children
    # On our own side.
    QUEUE_TIMEOUT = "queue_timeout"  # it waited for too long, and no worker took it
    WORKER_LOST = "worker_lost"
    CANCELLED = "cancelled"
    NOT_ENQUEUED = "not_enqueued"  # the row came in beside the service
    INTERNAL = "internal"


TIMEOUTS = frozenset(
    {
        FailureKind.CONNECT_TIMEOUT,
        FailureKind.FIRST_TOKEN_TIMEOUT,
        FailureKind.IDLE_TIMEOUT,
        FailureKind.DEADLINE,
        FailureKind.PROVIDER_TIMEOUT,
        FailureKind.QUEUE_TIMEOUT,
        FailureKind.WORKER_LOST,
    }
)

# What a text that is whole and long enough may still be instead of a story (`tales.domain.story_rules`).
CHECKED_KINDS = (
    FailureKind.GARBLED,
    FailureKind.UNSUITABLE,
    FailureKind.FACTS,
    FailureKind.ECHO,
    FailureKind.WRONG_LANGUAGE,
    FailureKind.MARKUP,
    FailureKind.META,
    FailureKind.LOOP,
    FailureKind.TOO_SHORT,
    FailureKind.TOO_LONG,
    FailureKind.NAME_MISSING,
)

# Worth the same request again, to the next model of the chain or, where it has ended, to the same one.
RETRYABLE = TIMEOUTS - {FailureKind.QUEUE_TIMEOUT} | {
    FailureKind.CONNECTION,
    FailureKind.STREAM_INTERRUPTED,
    FailureKind.RESPONSE_TOO_LARGE,
    FailureKind.MALFORMED_RESPONSE,
    FailureKind.RATE_LIMITED,
    FailureKind.OVERLOADED,
    FailureKind.PROVIDER_UNAVAILABLE,
    FailureKind.SERVER_ERROR,
    FailureKind.EMPTY,
    FailureKind.TRUNCATED,
    FailureKind.REFUSAL,
    *CHECKED_KINDS,
    FailureKind.INTERNAL,
}

# Not worth the same request to the same model again, but another one may take it.
FALLBACK_KINDS = frozenset(
    {
        FailureKind.INVALID_REQUEST,
        FailureKind.PERMISSION_DENIED,
        FailureKind.MODEL_NOT_FOUND,
        FailureKind.CONTENT_POLICY,
    }
)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one call gave no story.

    `message` is our own sentence, never the provider's or a family's words. `http_status` is the provider's.
    `retry_after` in seconds and `retryable` are what the provider itself said, and beat the kind. `is_mended`: the next
    call to the same model is made in another way, which this one has taught.
    """

    kind: FailureKind
    message: str
    http_status: int | None = None
    retry_after: float | None = None
    retryable: bool | None = None
    is_mended: bool = False

    @property
    def status(self) -> Status:
        """The state in which the attempt ends."""
        return Status.TIMEOUT if self.kind in TIMEOUTS else Status.FAILED
