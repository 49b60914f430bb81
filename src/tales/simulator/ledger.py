"""What the simulator remembers: the requests it has seen, and the generations it has served."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from uuid import uuid4

from tales.domain.generation import Json
from tales.simulator.answers import PROVIDER, Answer, Call, usage_of

CAPACITY = 10_000
"""Older requests and generations are forgotten."""


@dataclass(slots=True)
class SeenRequest:
    """One request for a completion. `step` is the one it was answered with, None where the model is no script.

    `messages` counts them; of the headers only the names are kept, so that no key is.
    """

    model: str
    received_at: datetime
    header_names: list[str]
    messages: int
    stream: bool
    step: str | None = None
    client_hung_up: bool = False

    def as_json(self) -> dict[str, Json]:
        """For `GET /sim/requests`."""
        return asdict(self) | {"received_at": self.received_at.isoformat()}


class Ledger:
    """Requests in the order they came, generations by id."""

    def __init__(self) -> None:
        self.requests: deque[SeenRequest] = deque(maxlen=CAPACITY)
        self._generations: dict[str, dict[str, Json]] = {}

    def serve(self, call: Call, answer: Answer) -> None:
        """Remember the price of `answer`, whose headers are about to go out."""
        if answer.generation_id is None:
            return
        self._generations[answer.generation_id] = _generation(call, answer.generation_id, answer.tokens)
        if len(self._generations) > CAPACITY:
            del self._generations[next(iter(self._generations))]

    def cancel(self, answer: Answer) -> None:
        """The client hung up before the end of `answer`."""
        if answer.generation_id in self._generations:
            self._generations[answer.generation_id]["cancelled"] = True

    def generation(self, generation_id: str) -> Mapping[str, Json] | None:
        """What OpenRouter's `GET /generation` says of it."""
        return self._generations.get(generation_id)


def _generation(call: Call, generation_id: str, tokens: int) -> dict[str, Json]:
    usage = usage_of(call, tokens)
    known: dict[str, Json] = {
        "id": generation_id,
        "upstream_id": f"simulated-{uuid4()}",
        "total_cost": usage["cost"],
        "usage": usage["cost"],
        "upstream_inference_cost": 0,
        "created_at": datetime.fromtimestamp(call.created, UTC).isoformat(),
        "model": call.model,
        "streamed": call.stream,
        "cancelled": False,
        "provider_name": PROVIDER,
        "latency": 1,
        "generation_time": 1,
        "finish_reason": "stop",
        "native_finish_reason": "stop",
        "tokens_prompt": usage["prompt_tokens"],
        "tokens_completion": usage["completion_tokens"],
        "native_tokens_prompt": usage["prompt_tokens"],
        "native_tokens_completion": usage["completion_tokens"],
        "native_tokens_reasoning": 0,
        "native_tokens_cached": 0,
        "origin": "",
        "is_byok": False,
        "api_type": "completions",
        "data_region": "global",
    }
    unknown = (
        "cache_discount app_id moderation_latency service_tier native_tokens_completion_images num_media_prompt "
        "num_input_audio_prompt num_media_completion num_search_results num_fetches web_search_engine external_user "
        "preset_id router provider_responses user_agent http_referer workspace_id"
    )
    return known | dict.fromkeys(unknown.split())
