"""`tales prices`: pulled, set, listed; and what is estimated by them is shown as an estimate."""

from __future__ import annotations

import pytest

from tests.interfaces.cli.conftest import Tales
from tests.interfaces.cli.test_write import MIA


def test_prices_are_pulled_once_and_estimates_say_what_they_are(tales: Tales) -> None:
    pulled = tales("prices", "pull")
    assert (pulled.status, "prices are new or have changed" in pulled.err) == (0, True), pulled.err
    assert tales("prices", "pull").err.startswith("0 prices are new")
    listed = {one["model"]: one for one in tales("prices", "list", "--json").json}
    assert (listed["sim/no-cost"]["prompt_usd_per_million"], listed["sim/no-cost"]["source"]) == ("0.15", "provider")
    tales.set(TALES_MODELS="sim/no-cost")
    assert tales(*MIA).status == 0

    report = tales("report", "costs", "--format", "json").json
    (generation,) = tales("generations", "list", "--json").json
    shown = tales("generations", "show", generation["generation_id"])
    (attempt,) = tales("generations", "show", generation["generation_id"], "--json").json["attempts"]

    tokens = (attempt["prompt_tokens"], attempt["completion_tokens"])
    estimate = (tokens[0] * 0.15 + tokens[1] * 0.6) / 1e6
    (day,) = report["items"]
    for row in (day, *report["shares"]):
        assert (row["cost_usd"], row["cost_unknown"], row["estimated"]) == (None, 1, 1)
        assert float(row["estimated_cost_usd"]) == pytest.approx(estimate, abs=1e-12)
    assert (attempt["cost_usd"], float(attempt["estimated_cost_usd"])) == (None, pytest.approx(estimate, abs=1e-12))
    assert f"about ${estimate:.6f}" in shown.out
    for subject in ("costs", "models"):
        table = tales("report", subject).out
        assert "estimated" in table
        assert "It is no part of the cost." in table


def test_a_price_is_set_from_a_day_on_and_corrected(tales: Tales) -> None:
    for dollars in ("3", "2.5"):
        command = ("prices", "set", "any/model", "--prompt", dollars, "--completion", "10", "--from", "2026-01-01")
        assert "any/model has this price from 2026-01-01 00:00:00 UTC on." in tales(*command).err
    tales("prices", "set", "any/model", "--prompt", "4", "--completion", "12", "--request", "0.001")

    versions = tales("prices", "list", "--model", "any/model", "--json").json

    amounts = [(one["prompt_usd_per_million"], one["request_usd"], one["source"]) for one in versions]
    assert amounts == [("4", "0.001", "operator"), ("2.5", "0", "operator")]
    assert "$0.001" in tales("prices", "list").out


@pytest.mark.parametrize(
    ("prompt", "said"), [("cheap", "--prompt is no amount"), ("-1", "The price for prompt must be from 0")]
)
def test_what_is_no_price_is_refused(tales: Tales, prompt: str, said: str) -> None:
    ran = tales("prices", "set", "any/model", f"--prompt={prompt}", "--completion", "10")
    assert (ran.status, said in ran.err) == (1, True), ran.err


def test_the_model_on_this_machine_has_no_price_list(tales: Tales) -> None:
    tales.set(TALES_LLM_BASE_URL="", TALES_MODELS="")
    ran = tales("prices", "pull")
    assert (ran.status, "The model on this machine has no price list." in ran.err) == (1, True)
