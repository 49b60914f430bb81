"""Commands that are imported when they are run: whoever asks for one does not wait for what the others need."""

from __future__ import annotations

from importlib import import_module
from typing import Any, ClassVar

from typer import Context, Typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group


class LazyCommand(TyperCommand):
    """One that is known by its name and its first line of help. `place` is `module:name` of a function or an app."""

    def __init__(self, name: str, place: str, summary: str) -> None:
        super().__init__(name, help=summary)
        self._place = place

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Context:  # noqa: ANN401 -- Typer keeps the class of its contexts to itself
        """Take over the arguments, as the command itself."""
        context: Context = self.load().make_context(info_name, args, parent, **extra)
        return context

    def load(self) -> Any:  # noqa: ANN401 -- as above
        """The command itself."""
        module, name = self._place.split(":")
        found = getattr(import_module(module), name)
        carrier = Typer(add_completion=False)
        if isinstance(found, Typer):
            carrier.add_typer(found, name=self.name)
        else:
            carrier.command(self.name)(found)
        return get_group(carrier).commands[self.name or ""]


class LazyGroup(TyperGroup):
    """A group of them: a subclass names `LAZY`, in the order of the help."""

    LAZY: ClassVar[tuple[LazyCommand, ...]] = ()

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 -- Typer's own
        super().__init__(**settings)
        self.commands = {command.name or "": command for command in self.LAZY}
