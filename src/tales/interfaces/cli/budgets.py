"""`tales budgets`: what may be spent in a day and in a month, and how that stands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import typer
from rich.box import SIMPLE
from rich.table import Table

from tales.administration.providers import chosen_provider
from tales.application import budgets as use_cases
from tales.domain.budgets import DEFAULT_WARN_SHARE, Budget, BudgetPeriod, BudgetScope, BudgetState
from tales.interfaces.cli.amounts import amount, dollars
from tales.interfaces.cli.console import AsJson, err, fail, out
from tales.interfaces.cli.operating import operate
from tales.interfaces.cli.tables import printable
from tales.interfaces.json_values import decimal_json, time_json
from tales.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Stop when so much has been spent in a day or a month.")

Period = Annotated[BudgetPeriod, typer.Option(help="Days and months are those of UTC.")]
OfModel = Annotated[str | None, typer.Option("--model", help="For the calls of this model.")]
OfUser = Annotated[UUID | None, typer.Option("--user", metavar="ID", help="For this user, in place of --each-user.")]
EachUser = Annotated[bool, typer.Option("--each-user", help="For every user, each the same.")]


@app.command("set")
def set_(  # noqa: PLR0913 -- each is an option
    limit: Annotated[str, typer.Argument(metavar="USD", help="US dollars that may be spent.")],
    *,
    period: Period = BudgetPeriod.MONTH,
    model: OfModel = None,
    user: OfUser = None,
    each_user: EachUser = False,
    warn: Annotated[str, typer.Option(metavar="SHARE", help="From this share on there is a warning.")] = str(
        DEFAULT_WARN_SHARE
    ),
) -> None:
    """Set a budget: of everything, of a model, of one user or of each. What was spent in the period so far counts."""
    scope, user_id, name = _subject(model, user, each_user=each_user)
    budget = Budget(
        scope=scope,
        period=period,
        limit_usd=amount("USD", limit),
        warn_share=amount("--warn", warn),
        user_id=user_id,
        model=name,
    )
    choice = chosen_provider(load_settings())
    models = choice.models if choice.endpoint is not None else ()
    operate(lambda work: use_cases.set_budget(work, budget, models, datetime.now(UTC)))
    err.print(f"{_named(budget)}: ${decimal_json(budget.limit_usd)} a {period}.", markup=False, soft_wrap=True)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the budgets: what is spent, what calls in flight may cost at most, and which are nearly used up."""
    found = operate(lambda work: work.budgets.states(datetime.now(UTC)))
    if as_json:
        typer.echo(json.dumps([_state_json(state) for state in found], indent=2))
    else:
        out.print(_states_table(found))


@app.command()
def remove(
    *, period: Period = BudgetPeriod.MONTH, model: OfModel = None, user: OfUser = None, each_user: EachUser = False
) -> None:
    """Remove a budget: its calls are no longer bounded by it."""
    scope, user_id, name = _subject(model, user, each_user=each_user)
    budget = Budget(scope=scope, period=period, limit_usd=Decimal(0), user_id=user_id, model=name)
    if not operate(lambda work: use_cases.remove_budget(work, budget)):
        raise fail(f"{_named(budget)}: there is no such budget of a {period}. See: tales budgets list")
    err.print(f"{_named(budget)}: no budget of a {period} any more.", markup=False, soft_wrap=True)


def _subject(model: str | None, user: UUID | None, *, each_user: bool) -> tuple[BudgetScope, UUID | None, str | None]:
    """Whose calls a budget is about."""
    chosen = {
        BudgetScope.MODEL: model is not None,
        BudgetScope.USER: user is not None,
        BudgetScope.EACH_USER: each_user,
    }
    scopes = [scope for scope, is_chosen in chosen.items() if is_chosen]
    if len(scopes) > 1:
        raise fail("--model, --user and --each-user are three kinds of budgets. Say one of them.")
    return (scopes[0] if scopes else BudgetScope.ALL), user, model


def _named(budget: Budget) -> str:
    names = {
        BudgetScope.ALL: "in all",
        BudgetScope.EACH_USER: "each user",
        BudgetScope.MODEL: f"model {budget.model}",
        BudgetScope.USER: f"user {budget.user_id}",
    }
    return names[budget.scope]


def _state_json(state: BudgetState) -> dict[str, object]:
    budget, share = state.budget, state.used_share
    return {
        "scope": budget.scope,
        "user_id": str(budget.user_id) if budget.user_id else None,
        "model": budget.model,
        "period": budget.period,
        "limit_usd": decimal_json(budget.limit_usd),
        "warn_share": float(budget.warn_share),
        "begins": state.begins.isoformat(),
        "opens_at": time_json(state.opens_at),
        "spent_usd": decimal_json(state.spent_usd),
        "reserved_usd": decimal_json(state.reserved_usd),
        "used_share": None if share is None else float(share),
        "warned_at": time_json(state.warned_at),
        "spender": str(state.spender) if state.spender else None,
    }


def _states_table(found: Sequence[BudgetState]) -> Table:
    table = Table(box=SIMPLE)
    table.add_column("budget", overflow="fold")
    for title in ("a", "since"):
        table.add_column(title, no_wrap=True)
    for title in ("limit", "spent", "in flight", "used"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("")
    for state in found:
        share = state.used_share
        table.add_row(
            printable(_named(state.budget)) + (f" (most: {state.spender})" if state.spender else ""),
            state.budget.period,
            f"{state.begins:%Y-%m-%d}",
            *map(dollars, (state.budget.limit_usd, state.spent_usd, state.reserved_usd)),
            "" if share is None else f"{share:.1%}",
            "warned" if state.is_warned else "",
        )
    return table
