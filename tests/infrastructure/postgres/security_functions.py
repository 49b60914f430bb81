"""Who may call which function. The tests and docs/security.md come out of it, as of security_matrix.py.

A function of ours that is missing here fails the tests.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.infrastructure.postgres.security_matrix import ROLES


@dataclass(frozen=True, slots=True)
class Function:
    """A function that some role may call, or that runs with its owner's rights (`why_definer`).

    Whoever writes a row sets off its triggers: that asks for no right to call theirs.
    """

    name: str
    callers: frozenset[str] = frozenset()
    why_definer: str = ""


_EVERYBODY = frozenset(ROLES)
_USERS = frozenset({"authenticated", "tales_requester"})
_WRITERS = _USERS | {"service_role"}
_WORKERS = frozenset({"service_role", "tales_app"})

FUNCTIONS = (
    Function("auth.jwt", _EVERYBODY),
    Function("auth.uid", _EVERYBODY),
    Function("auth.role", _EVERYBODY),
    # What a generated column, an index or a trigger calls runs in the name of whoever writes the row.
    Function("tales.json_amount", _WRITERS),
    Function("tales.json_count", _WRITERS),
    Function("tales.json_name", _WRITERS),
    Function("tales.is_error_type", _WRITERS),
    Function("tales.is_sealed", _WRITERS),
    Function("tales.only_forgets", _WRITERS),
    Function("tales.only_seals_response", _WRITERS),
    Function("tales.without_contents", _WRITERS),
    # The queue: each takes on the role that it needs.
    Function("tales.count_requests", _WORKERS),
    Function("tales.first_turn", frozenset({"service_role"})),
    Function("tales.is_queue_full", frozenset({"service_role"})),
    Function("tales.next_turn", frozenset({"service_role"})),
    Function("tales.enqueue_attempts", _WORKERS | {"tales_requester"}),
    Function("tales.claim_attempts", _WORKERS),
    Function("tales.finish_attempts", _WORKERS),
    Function("tales.renew_lease", _WORKERS),
    Function("tales.keep_prompt_choice", _WORKERS | {"tales_requester"}),
    Function("tales.arms_of", frozenset({"service_role"})),
    Function("tales.known_of_arms", frozenset({"service_role"})),
    Function("tales.take_snapshots", frozenset({"service_role"})),
    Function("tales.enqueue_within_budgets", _WORKERS | {"tales_requester"}),
    Function("tales.finish_within_budgets", _WORKERS),
    Function("tales.recount_budgets", frozenset({"service_role"})),
    Function("tales.most_tokens", frozenset({"service_role"})),
    Function("tales.most_cost", frozenset({"service_role"})),
    Function("tales.charge_of_unknown", frozenset({"service_role"})),
    Function("tales.charge_of", frozenset({"service_role"})),
    Function(
        "tales.lock_budgets",
        _WORKERS | {"tales_requester"},
        why_definer="whoever asks for a story may not read budgets, and waits for the others that do",
    ),
    Function("tales.reserve_budget", why_definer="whoever asks for a story may not write what is spent of budgets"),
    Function("tales.wait_for_budgets", why_definer="whoever cancels may not read budgets"),
    *(
        Function(f"tales.{name}", why_definer="whoever ends or erases attempts may not write what is spent")
        for name in ("settle_attempt", "settle_budget", "release_budget")
    ),
    # What a family's search calls.
    *(
        Function(f"tales.{name}", _USERS)
        for name in ("spaced", "folded", "search_query", "search_patterns", "story_has")
    ),
    Function(
        "tales.session_is_open",
        frozenset({"service_role", "tales_app", "tales_requester"}),
        why_definer="a token is looked at before the user's role is taken on, and users may not look sessions up",
    ),
    Function("tales.check_values", why_definer="whatever role writes, it need not be let call what this calls"),
    Function("tales.keep_rating", why_definer="whoever rates a story may not write what reports count"),
    Function("tales.token_cost", _WRITERS),
    *(
        Function(
            f"tales.{name}", _WRITERS, why_definer="who may delete from a table may lock it whole: families may not"
        )
        for name in ("remove_budget", "take_back_price")
    ),
    *(
        Function(f"tales.{name}", why_definer="no role may add to who has changed what")
        for name in ("log_change", "log_prompt_change")
    ),
    *(
        Function(f"tales.{name}", frozenset({"service_role"}))
        for name in (
            *("refresh_rollups", "forget_rollups", "count_hours", "add_up", "next_month"),
            *("count_users_of_day", "count_users_of_month"),
        )
    ),
    Function("tales.mark", _WRITERS),
    Function("tales.note_changed_rating", why_definer="whoever rates a story may not write what reports count"),
    Function("tales.note_changed_cost", why_definer="no role may add to what is counted anew"),
    Function("tales.note_erased_attempts", why_definer="whoever erases attempts may not write what reports count"),
    Function("tales.forget_live_text", why_definer="whoever erases attempts may not delete their text"),
)
