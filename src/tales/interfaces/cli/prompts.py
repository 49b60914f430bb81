"""`tales prompts`: what models are asked with, in versions."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from tales.application import prompts as use_cases
from tales.application.goals import why_prompt
from tales.domain.errors import InvalidInput
from tales.domain.prompt_templates import PromptTemplate, Slot, TemplateState
from tales.domain.story_spec import StoryType
from tales.infrastructure.prompts.rendering import JinjaRenderer
from tales.interfaces.cli import goals
from tales.interfaces.cli.console import AsJson, err, out
from tales.interfaces.cli.operating import operate
from tales.interfaces.cli.tables import printable
from tales.interfaces.json_values import time_json

app = typer.Typer(no_args_is_help=True, help="Write prompts, try them, and say which are in use.")
app.add_typer(goals.app, name="goal")

RENDERER = JinjaRenderer()

Version = Annotated[str, typer.Argument(metavar="VERSION", help="Such as child-en-1.")]
TypeOption = Annotated[StoryType, typer.Option("--type", help="The type of story.")]
Note = Annotated[str | None, typer.Option(help="What is new about it, on one line.")]
File = Annotated[
    Path | None, typer.Option("--file", metavar="FILE", help="The template; - is standard input.", allow_dash=True)
]
Age = Annotated[int, typer.Option(help="Of the made-up child, in years.")]
Minutes = Annotated[int, typer.Option(help="The length of the story.")]
Sequel = Annotated[bool, typer.Option("--sequel", help="The story carries on another one.")]
Minimal = Annotated[bool, typer.Option("--minimal", help="The family says no more than it must.")]


@app.command("list")
def list_(
    story_type: Annotated[StoryType | None, typer.Option("--type", help="The type of story.")] = None,
    language: Annotated[str | None, typer.Option(help="Such as de.")] = None,
    model: Annotated[str | None, typer.Option(help="Those of this model alone.")] = None,
    state: Annotated[TemplateState | None, typer.Option(help="Those that are so.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the versions: for what, in which state, and with which weight among the active ones."""
    found = operate(lambda work: work.prompts.list(story_type, language, model, state))
    if as_json:
        typer.echo(json.dumps([_json(prompt) for prompt in found], indent=2, ensure_ascii=False))
        return
    table = Table("version", "state", "weight", "model", "since", "note", box=SIMPLE)
    for prompt in found:
        since = prompt.retired_at or prompt.activated_at or prompt.created_at
        weight = str(prompt.weight) if prompt.is_active else ""
        row = (prompt.version, prompt.state, weight, prompt.slot.model or "any", f"{since:%Y-%m-%d}", prompt.note)
        table.add_row(*(Text(printable(cell)) for cell in row))
    out.print(table)


@app.command()
def show(version: Version, as_json: AsJson = False) -> None:
    """Show one version: the template as it is kept."""
    found = operate(lambda work: use_cases.get_prompt(work, version))
    typer.echo(json.dumps(_json(found), indent=2, ensure_ascii=False) if as_json else found.template, nl=as_json)


@app.command()
def add(
    *,
    story_type: TypeOption,
    language: Annotated[str, typer.Option(help="Such as de.")],
    model: Annotated[str | None, typer.Option(help="For this model alone.")] = None,
    file: File = None,
    note: Note = None,
) -> None:
    """Add a draft, once it has written every made-up story that it is tried with; print its version."""
    slot, template = Slot(story_type, language, model), _read(file)
    _say_draft(operate(lambda work: use_cases.add_prompt(work, RENDERER, slot, template, note or "")))


@app.command()
def edit(version: Version, file: File = None, note: Note = None) -> None:
    """Change a draft, by an editor where there is no --file; of what was in use a new draft is made."""
    before = operate(lambda work: use_cases.get_prompt(work, version))
    template = _read(file) if file is not None else None
    if template is None and note is None:
        template = _edited(before.template)
    _say_draft(operate(lambda work: use_cases.edit_prompt(work, RENDERER, version, template, note)))


@app.command()
def preview(
    version: Version, age: Age = 6, minutes: Minutes = 5, sequel: Sequel = False, minimal: Minimal = False
) -> None:
    """Show what a version writes for a made-up family."""
    wish = use_cases.Example(age=age, minutes=minutes, is_sequel=sequel, is_minimal=minimal)
    typer.echo(operate(lambda work: use_cases.preview_prompt(work, RENDERER, version, wish)), nl=False)


@app.command()
def compare(  # noqa: PLR0913, PLR0917 -- each is an option
    version: Version,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The version to compare it with.")],
    age: Age = 6,
    minutes: Minutes = 5,
    sequel: Sequel = False,
    minimal: Minimal = False,
) -> None:
    """Show how what two versions write for the same made-up family differs."""
    wish = use_cases.Example(age=age, minutes=minutes, is_sequel=sequel, is_minimal=minimal)
    typer.echo(operate(lambda work: use_cases.compare_prompts(work, RENDERER, version, other, wish)), nl=False)


@app.command()
def activate(
    version: Version,
    weight: Annotated[int | None, typer.Option(help="Its share beside the others; 100 at first.")] = None,
) -> None:
    """Let a version write, beside the active ones of its kind: several of them are an experiment."""
    found = operate(lambda work: use_cases.activate_prompt(work, RENDERER, version, weight))
    err.print(f"{found.version} is active, with weight {found.weight}. See: tales report prompts", markup=False)


@app.command()
def retire(version: Version) -> None:
    """Let a version write no more. Where none is left, the program's own prompt is used."""
    err.print(f"{operate(lambda work: use_cases.retire_prompt(work, version)).version} is retired.", markup=False)


@app.command()
def promote(version: Version) -> None:
    """Let a version alone write for its kind: the end of an experiment."""
    found, retired = operate(lambda work: use_cases.promote_prompt(work, RENDERER, version))
    others = f"; retired: {', '.join(retired)}" if retired else ""
    err.print(f"{found.version} alone is active{others}.", markup=False)


@app.command()
def why(generation_id: Annotated[UUID, typer.Argument(metavar="ID", help="The generation's id.")]) -> None:
    """Say which version and model a generation got, and why; a draw is repeated."""
    typer.echo(goals.explained(operate(lambda work: why_prompt(work, generation_id))))


def _read(file: Path | None) -> str:
    """Raises: InvalidInput."""
    if file is None:
        raise InvalidInput("--file", "--file is missing. Name the template's file, or - for standard input.")
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("--file", f"{file} cannot be read: {error}.") from None


def _edited(template: str) -> str:
    """What an editor makes of it. Raises: InvalidInput when it leaves it as it is, or does not work."""
    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory(prefix="tales-") as folder:
        file = Path(folder) / "prompt.j2"
        file.write_text(template, encoding="utf-8")
        try:
            subprocess.run([*editor, str(file)], check=True)  # noqa: S603 -- the operator's own editor
        except (OSError, subprocess.CalledProcessError) as error:
            raise InvalidInput("--file", f"The editor does not work ({error}). Set EDITOR, or use --file.") from None
        edited = file.read_text(encoding="utf-8")
    if edited == template:
        raise InvalidInput("template", "Nothing was changed: the editor saved what it was given.")
    return edited


def _say_draft(draft: PromptTemplate) -> None:
    err.print(f"{draft.version} is a draft. Let it write: tales prompts activate {draft.version}", markup=False)
    typer.echo(draft.version)


def _json(prompt: PromptTemplate) -> dict[str, object]:
    times = {name: getattr(prompt, name) for name in ("created_at", "activated_at", "retired_at")}
    return {
        "version": prompt.version,
        "story_type": prompt.slot.story_type,
        "language": prompt.slot.language,
        "model": prompt.slot.model,
        "state": prompt.state,
        "weight": prompt.weight,
        "note": prompt.note,
        "is_seeded": prompt.is_seeded,
        **{name: time_json(moment) for name, moment in times.items()},
        "template": prompt.template,
    }
