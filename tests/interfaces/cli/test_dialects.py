"""Each server that `tales models` names, as it speaks: it writes a story; what is set wrongly is said in a sentence."""

from __future__ import annotations

import pytest

from tales.interfaces.cli.model_advice import SERVERS
from tales.simulator.dialects import DIALECTS, Dialect
from tales.simulator.server import Simulator, Speaker
from tests.fixtures.databases import Database
from tests.fixtures.simulator import simulator_beside
from tests.interfaces.cli.conftest import Ran, Tales
from tests.interfaces.cli.test_write import MIA

KEY = "sk-right"
NO_PATH = (
    "There is nothing for chats at the provider's address{}. It has no /v1 in it, as most have. "
    "Check TALES_LLM_BASE_URL."
)
NO_MODEL = "The provider has no such model, or none that the account's settings allow (HTTP {}). Check TALES_MODELS."
NO_STATUS = {"lm-studio": ""}
MODEL_STATUS = {"lm-studio": 400, "openrouter": 400}

every = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)


@pytest.fixture
def writer(bare_tales: Tales, database: Database) -> Tales:
    """The command line over a database, with no models yet."""
    bare_tales.set(TALES_DATABASE_URL=database.owner_url)
    return bare_tales


def written(tales: Tales, server: Simulator, dialect: Dialect, **changes: str) -> Ran:
    """What `tales write` says, with `changes` of the right settings."""
    tales.set(**{"TALES_LLM_BASE_URL": server.url, "TALES_MODELS": dialect.model, "TALES_LLM_API_KEY": KEY} | changes)
    return tales(*MIA)


def messages(database: Database) -> list[str]:
    """What each attempt failed of."""
    rows = database.rows("select error_message from tales.generations where status <> 'success' order by created_at")
    return [row["error_message"] for row in rows]


@every
def test_a_story_is_written(writer: Tales, database: Database, dialect: Dialect) -> None:
    with simulator_beside(Speaker(dialect, KEY if dialect.no_key else None)) as server:
        # Twice: an id may come again.
        for _ in range(2):
            ran = written(writer, server, dialect)
            assert (ran.status, ran.out.partition("\n")[0]) == (0, "Mia and the Lantern in the Garden"), ran.err
            assert "They want" not in ran.out, "what a model thinks is no part of a story"

    rows = database.rows(
        "select prompt_tokens, completion_tokens, served_model, full_response from tales.generations"
        " where status = 'success'"
    )
    assert len(rows) == 2
    for row in rows:
        assert row["served_model"] == dialect.model
        # The old vLLM refuses to be asked for the usage; its refusal is remembered.
        knows_usage = dialect.parameters is None
        assert (row["prompt_tokens"] is not None, row["completion_tokens"] is not None) == (knows_usage, knows_usage)
    refused = "The model refuses the parameter stream_options (HTTP 400). The next attempt leaves it out."
    assert messages(database) == ([refused] if dialect.parameters else [])
    if dialect.name == "llama.cpp":
        assert rows[0]["full_response"]["timings"]["predicted_per_second"] == 41.2


@pytest.mark.parametrize("dialect", [one for one in DIALECTS.values() if one.no_model], ids=lambda one: one.name)
def test_a_model_that_it_has_not_is_said(writer: Tales, database: Database, dialect: Dialect) -> None:
    with simulator_beside(Speaker(dialect)) as server:
        ran = written(writer, server, dialect, TALES_MODELS="nobodys/model")

    sentence = NO_MODEL.format(MODEL_STATUS.get(dialect.name, 404))
    assert (ran.status, messages(database)) == (1, [sentence])
    assert sentence in " ".join(ran.err.split())


@pytest.mark.parametrize("dialect", [one for one in DIALECTS.values() if one.no_key], ids=lambda one: one.name)
def test_a_key_that_it_does_not_take_is_said(writer: Tales, database: Database, dialect: Dialect) -> None:
    wrong = "The provider refused the key (HTTP 401). Check TALES_LLM_API_KEY."
    missing = "The provider wants a key (HTTP 401), and none is set. Set TALES_LLM_API_KEY."
    with simulator_beside(Speaker(dialect, KEY)) as server:
        for key, sentence in (("sk-wrong", wrong), ("", missing)):
            ran = written(writer, server, dialect, TALES_LLM_API_KEY=key)
            assert ran.status == 1
            assert sentence in " ".join(ran.err.split())

    assert messages(database) == [wrong, missing]
    assert "sk-wrong" not in ran.err


@every
def test_an_address_without_its_version_is_said(writer: Tales, database: Database, dialect: Dialect) -> None:
    with simulator_beside(Speaker(dialect)) as server:
        ran = written(writer, server, dialect, TALES_LLM_BASE_URL=f"http://{server.host}:{server.port}")

    sentence = NO_PATH.format(NO_STATUS.get(dialect.name, " (HTTP 404)"))
    assert (ran.status, messages(database)) == (1, [sentence])
    assert sentence in " ".join(ran.err.split())


def test_every_server_of_the_advice_has_a_dialect() -> None:
    told = {name.partition(" (")[0].lower().replace(" ", "-"): settings for name, settings in SERVERS}

    assert told.keys() == {name for name, dialect in DIALECTS.items() if dialect.parameters is None}
    for name, settings in told.items():
        assert f"TALES_MODELS={DIALECTS[name].model}" in settings
        assert "LLM_BASE_URL" not in settings or f"{DIALECTS[name].prefix} " in settings


def test_a_server_that_is_not_known_is_refused_with_those_that_are(bare_tales: Tales) -> None:
    ran = bare_tales("simulate", "--dialect", "klingon")

    assert ran.status == 1
    assert f"Use one of: {', '.join(DIALECTS)}." in " ".join(ran.err.split())
    assert all(name in bare_tales("simulate", "--help").out for name in DIALECTS)
