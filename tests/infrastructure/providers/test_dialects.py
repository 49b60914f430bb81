"""How each server that `tales models` names breaks off, and what a request may hold beside what all of them take."""

from __future__ import annotations

import pytest

from tales.application.ports import ModelAnswer, ModelCall
from tales.domain.failures import FailureKind
from tales.domain.generation import Json
from tales.infrastructure.providers.endpoint import Endpoint
from tales.infrastructure.providers.openai_client import OpenAiCompatibleProvider
from tales.infrastructure.providers.parameters import ParameterMemory
from tales.infrastructure.providers.provider_errors import provider_failure
from tales.simulator.dialects import DIALECTS, Dialect
from tales.simulator.server import Speaker, running_simulator
from tests.fixtures.time import FakeClock
from tests.infrastructure.providers.wire import IMPATIENT

BROKEN = {FailureKind.SERVER_ERROR, FailureKind.PROVIDER_UNAVAILABLE, FailureKind.STREAM_INTERRUPTED}


async def answered(dialect: Dialect, clock: FakeClock, *, breaks: bool = False, **extra: str) -> ModelAnswer:
    memory = ParameterMemory(["stream_options"])
    async with (
        running_simulator(speaker=Speaker(dialect, breaks=breaks)) as server,
        OpenAiCompatibleProvider(Endpoint(server.url), IMPATIENT, clock, memory) as provider,
    ):
        call = ModelCall(dialect.model, 'Tell a story.\n- child: "Mia"\n', 3, extra)
        return await provider.complete(call, lambda _: None, lambda _: None)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
async def test_a_model_that_crashes_in_the_middle_has_told_no_story(dialect: Dialect, clock: FakeClock) -> None:
    answer = await answered(dialect, clock, breaks=True)

    assert answer.failure is not None
    assert answer.failure.kind in BROKEN
    assert answer.text.startswith("Mia and the Lantern"), "what had arrived is kept"


async def test_llama_cpp_takes_a_grammar_and_the_old_vllm_refuses_what_it_does_not_know(clock: FakeClock) -> None:
    for dialect, field, is_taken in (
        ("llama.cpp", "grammar", True),
        ("vllm-0.4", "guided_grammar", True),
        ("vllm-0.4", "grammar", False),
    ):
        answer = await answered(DIALECTS[dialect], clock, **{field: "root ::= [a-z]+"})
        assert (answer.failure is None) is is_taken, (dialect, field)
        if answer.failure is not None:
            assert answer.failure.kind is FailureKind.INVALID_REQUEST


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, "No models loaded. Please load a model in the developer page or use the 'lms load' command.", "model"),
        (400, "This model's maximum context length is 2048 tokens. However, you requested 3421 tokens.", "request"),
        (400, {"message": "nobodys/model is not a valid model ID", "code": 400}, "model"),
        (400, {"message": "model 'x' not found", "code": 400, "type": "invalid_request_error"}, "model"),
        (200, "Unexpected endpoint or method. (POST /chat/completions)", "model"),
    ],
)
def test_what_is_refused_is_known_by_the_words_where_the_status_does_not_say(
    status: int, error: Json, kind: str, clock: FakeClock
) -> None:
    failure = provider_failure(status, {}, error, clock.now())

    expected = {"model": FailureKind.MODEL_NOT_FOUND, "request": FailureKind.INVALID_REQUEST}
    assert failure.kind is expected[kind]
