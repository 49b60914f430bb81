"""`tales costs`: what calls cost, where the response did not say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from tales.administration.providers import reconcile_costs
from tales.domain.period import parse_period
from tales.interfaces.cli.amounts import cost_of_a_call
from tales.interfaces.cli.console import err
from tales.interfaces.cli.migrate_progress import watching
from tales.interfaces.cli.running import run
from tales.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Learn what calls cost.")


@app.callback()
def _costs() -> None:
    """Learn what calls cost."""


@app.command()
def reconcile(
    *,
    since: Annotated[str, typer.Option(metavar="7d", help="How far back: 12h, 30d, 4w.")] = "7d",
    rate: Annotated[float, typer.Option(min=0.1, max=100, help="Questions a second.")] = 5.0,
) -> None:
    """Ask the provider what the calls cost whose answers were cut, by the ids that it gave them."""
    settings, earliest = load_settings(), datetime.now(UTC) - parse_period("since", since)
    with watching() as report:
        found = run(reconcile_costs(settings, earliest, rate, lambda asked: report("asked for", asked)))
    cost = cost_of_a_call(found.dollars)
    sentence = f"Asked for {found.asked:,} costs of calls: {found.learned:,} are known now, {cost} in all."
    err.print(sentence, markup=False, soft_wrap=True)
