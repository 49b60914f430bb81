"""`tales budgets`: set, listed and removed, and what is asked for beyond one is refused."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.interfaces.cli.conftest import Tales
from tests.interfaces.cli.test_write import MIA


def test_a_budget_is_set_used_up_raised_and_removed(tales: Tales) -> None:
    unpriced = tales("budgets", "set", "5")
    assert (unpriced.status, "No price is known of sim/ok" in unpriced.err) == (1, True)
    tales("prices", "pull")

    assert "in all: $0.000001 a month." in tales("budgets", "set", "0.000001").err
    refused = tales(*MIA)
    assert (refused.status, "The budget for stories is used up." in refused.err) == (1, True), refused.err

    tales("budgets", "set", "5", "--warn", "0.001")
    tales("budgets", "set", "2", "--each-user", "--period", "day", "--warn", "0.001")
    assert tales(*MIA).status == 0
    in_all, each = tales("budgets", "list", "--json").json
    (generation,) = tales("generations", "list", "--json").json
    cost = float(generation["attempts"][0]["cost_usd"])
    assert (in_all["limit_usd"], in_all["period"], float(in_all["spent_usd"])) == ("5", "month", cost)
    assert (in_all["reserved_usd"], in_all["warned_at"], each["warned_at"] is not None) == ("0", None, True)
    assert (each["scope"], each["spender"], float(each["spent_usd"])) == ("each_user", generation["user_id"], cost)
    table = tales("budgets", "list").out
    assert "in all" in table
    assert "warned" in table

    assert tales("budgets", "remove").status == 0
    again = tales("budgets", "remove")
    assert (again.status, "there is no such budget" in again.err) == (1, True)
    assert [one["scope"] for one in tales("budgets", "list", "--json").json] == ["each_user"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("much",), "USD is no amount"),
        (("--", "-1"), "A budget is from 0"),
        (("5", "--warn", "2"), "The share to warn from is from 0.001 to 1"),
        (("5", "--model", "m", "--each-user"), "Say one of them"),
        (("5", "--model", "sim/unknown"), "No price is known of sim/unknown"),
        (("5", "--user", str(uuid4())), "There is no such user"),
    ],
)
def test_what_is_no_budget_is_refused(tales: Tales, arguments: tuple[str, ...], said: str) -> None:
    tales("prices", "set", "sim/ok", "--prompt", "1", "--completion", "1")
    ran = tales("budgets", "set", *arguments)
    assert (ran.status, said in ran.err) == (1, True), ran.err


def test_who_changed_what_is_listed(tales: Tales) -> None:
    assert tales("prices", "set", "sim/ok", "--prompt", "0.15", "--completion", "0.6").status == 0
    for limit in ("20", "25"):
        assert tales("budgets", "set", limit).status == 0
    assert tales("budgets", "remove").status == 0

    found = tales("changes", "--json").json
    assert [(one["action"], one["subject"], one["changed_by"]) for one in found["items"]] == [
        ("removed", "all, month", None),
        ("changed", "all, month", None),
        ("added", "all, month", None),
        ("added", "sim/ok", None),
    ]
    assert found["next_cursor"] is None
    first = tales("changes", "--limit", "2", "--of", "budgets", "--since", "1d", "--by-operator")
    assert "limit_usd 20 to 25" in " ".join(first.out.split())
    cursor = first.err.split("--after ")[1].strip()
    (oldest,) = tales("changes", "--of", "budgets", "--after", cursor, "--json").json["items"]
    assert oldest["action"] == "added"
    assert tales("changes", "--by", "01890a5d-ac96-774b-bcce-b302099a8057", "--json").json["items"] == []
