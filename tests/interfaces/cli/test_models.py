"""`tales models`: who is asked for stories, and how."""

from __future__ import annotations

from tests.interfaces.cli.conftest import Tales
from tests.interfaces.cli.test_write import MIA


def test_the_chain_is_listed_before_anything_is_known(tales: Tales) -> None:
    tales.set(TALES_MODELS="sim/ok,sim/500-ok")

    listed = tales("models", "--json").json

    assert [(one["model"], one["refused"], one["learned_at"]) for one in listed] == [
        ("sim/ok", {}, None),
        ("sim/500-ok", {}, None),
    ]


def test_what_a_model_refused_is_left_out_and_listed(tales: Tales) -> None:
    tales.set(TALES_MODELS="sim/unsupported-ok,sim/ok", TALES_OMIT_PARAMETERS="stream_options")
    tales(*MIA)
    (listed,) = tales("generations", "list", "--json").json
    first, second = tales("generations", "show", listed["generation_id"], "--json").json["attempts"]

    assert first["error_message"] == (
        "The model refuses the parameter max_tokens (HTTP 400). "
        "The next attempt sends max_completion_tokens in its place."
    )
    assert (second["model_used"], second["status"]) == ("sim/unsupported-ok", "success")
    known, unknown = tales("models", "--json").json
    assert known["refused"] == {"max_tokens": "max_completion_tokens"}
    assert known["learned_at"] == first["completed_at"]
    assert (unknown["refused"], unknown["omitted_by_setting"]) == ({}, ["stream_options"])
    shown = tales("models").out
    assert "max_completion_tokens" in shown
    assert "TALES_OMIT_PARAMETERS" in shown


def test_a_parameter_that_there_is_not_is_refused_by_the_name_of_its_setting(tales: Tales) -> None:
    tales.set(TALES_OMIT_PARAMETERS="top_p")

    ran = tales("models")

    assert ran.status == 1
    assert "TALES_OMIT_PARAMETERS cannot be used" in ran.err
