"""`tales prices`: what models charge, in versions with dates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.box import SIMPLE
from rich.table import Table

from tales.application import prices as use_cases
from tales.domain.prices import Price, PriceSource
from tales.interfaces.cli.amounts import amount
from tales.interfaces.cli.console import TIME_FORMATS, AsJson, err, out
from tales.interfaces.cli.operating import operate
from tales.interfaces.cli.running import run
from tales.interfaces.cli.tables import printable
from tales.interfaces.json_values import decimal_json, time_json
from tales.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="Keep the price list that unknown costs are estimated by.")


@app.command()
def pull(
    *,
    replace: Annotated[bool, typer.Option("--replace", help="Prices too that were set by hand.")] = False,
) -> None:
    """Take over what the provider's models charge now; let a timer run it. Calls of before keep their prices."""
    from tales.administration.providers import pull_prices  # noqa: PLC0415 -- for what asks a provider alone

    taken, left_out = run(pull_prices(load_settings(), replace=replace))
    sentence = f"{len(taken):,} prices are new or have changed."
    if left_out:
        sentence += f" {left_out:,} differ that were set by hand, and stay: --replace takes the provider's."
    err.print(sentence, markup=False, soft_wrap=True)


@app.command("set")
def set_(
    model: Annotated[str, typer.Argument(help="The model's name, as stories are asked for with it.")],
    *,
    prompt: Annotated[str, typer.Option(metavar="USD", help="US dollars a million tokens of the prompt.")],
    completion: Annotated[str, typer.Option(metavar="USD", help="US dollars a million tokens of the answer.")],
    request: Annotated[str, typer.Option(metavar="USD", help="US dollars a request, beside its tokens.")] = "0",
    from_: Annotated[
        datetime | None, typer.Option("--from", formats=TIME_FORMATS, help="From when on, UTC. Now, if it is not said.")
    ] = None,
) -> None:
    """Set what a model charges from some time on, until its next price."""
    price = Price(
        model=model,
        valid_from=datetime.now(UTC) if from_ is None else from_.replace(tzinfo=UTC),
        prompt_usd_per_million=amount("--prompt", prompt),
        completion_usd_per_million=amount("--completion", completion),
        request_usd=amount("--request", request),
        source=PriceSource.OPERATOR,
    )
    operate(lambda work: use_cases.set_price(work, price))
    err.print(f"{model} has this price from {price.valid_from:%Y-%m-%d %H:%M:%S} UTC on.", markup=False, soft_wrap=True)


@app.command("list")
def list_(
    model: Annotated[str | None, typer.Option(help="Every version of this model's price.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the prices in force, in US dollars; with --model all versions of one."""
    found = operate(lambda work: use_cases.list_prices(work, datetime.now(UTC), model))
    if as_json:
        typer.echo(json.dumps([_price_json(price) for price in found], indent=2))
    else:
        out.print(_prices_table(found))


def _price_json(price: Price) -> dict[str, object]:
    prompt, completion, request = price.amounts
    return {
        "model": price.model,
        "valid_from": time_json(price.valid_from),
        "prompt_usd_per_million": decimal_json(prompt),
        "completion_usd_per_million": decimal_json(completion),
        "request_usd": decimal_json(request),
        "source": price.source,
    }


def _prices_table(found: Sequence[Price]) -> Table:
    table = Table(box=SIMPLE)
    table.add_column("model", overflow="fold")
    table.add_column("from (UTC)", no_wrap=True)
    for title in ("prompt, 1M", "answer, 1M", "request"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("said by")
    for price in found:
        amounts = (f"${decimal_json(amount)}" for amount in price.amounts)
        table.add_row(printable(price.model), f"{price.valid_from:%Y-%m-%d %H:%M:%S}", *amounts, price.source)
    return table
