"""How far a migration is: a line for each of its steps, with the rows moved and their rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from tales.interfaces.cli.console import err


@contextmanager
def watching() -> Iterator[Callable[[str, int], None]]:
    """Shows what it is told: the name of a step, and how many rows of it have been moved."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.fields[rows]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=not err.is_terminal, disable=not err.is_terminal) as progress:
        current: tuple[str, TaskID] | None = None

        def report(step: str, moved: int) -> None:
            nonlocal current
            if current is None or moved == 0:
                if current is not None:
                    progress.stop_task(current[1])
                current = (step, progress.add_task(step, total=None, rows=""))
            if moved:
                task = current[1]
                speed = moved / max(progress.tasks[task].elapsed or 0.0, 1e-3)
                progress.update(task, rows=f"{moved:,} rows, {speed:,.0f} a second")

        yield report
