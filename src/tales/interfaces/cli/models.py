"""`tales models`: who is asked for stories, and how."""

from __future__ import annotations

import json

import typer
from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from tales.administration.providers import chosen_provider, list_models
from tales.domain.model_parameters import KnownModel
from tales.interfaces.cli.console import AsJson, out
from tales.interfaces.cli.model_advice import advice
from tales.interfaces.cli.running import run
from tales.interfaces.json_values import time_json
from tales.settings import load_settings


def models(as_json: AsJson = False) -> None:
    """List the models: the fallback chain, and what each is not sent because it has refused it."""
    settings = load_settings()
    found = run(list_models(settings))
    if as_json:
        typer.echo(json.dumps([_model_json(known, settings.omit_parameters) for known in found], indent=2))
    else:
        out.print(_models_table(found, settings.omit_parameters))
        choice = chosen_provider(settings)
        out.print(advice(choice.models, choice.abilities))


def _model_json(known: KnownModel, omitted: tuple[str, ...]) -> dict[str, object]:
    return {
        "provider": known.provider,
        "model": known.model,
        "refused": dict(known.changes),
        "omitted_by_setting": list(omitted),
        "learned_at": time_json(known.learned_at),
    }


def _models_table(found: tuple[KnownModel, ...], omitted: tuple[str, ...]) -> Table:
    table = Table("provider", "model", "not sent", "since", box=SIMPLE)
    for known in found:
        refused = [f"{name} (but {instead})" if instead else name for name, instead in known.changes.items()]
        settings = [f"{name} (TALES_OMIT_PARAMETERS)" for name in omitted if name not in known.changes]
        table.add_row(
            Text(known.provider),
            Text(known.model),
            Text(", ".join([*refused, *settings]) or "-"),
            f"{known.learned_at:%Y-%m-%d %H:%M:%S}" if known.learned_at else "-",
        )
    return table
