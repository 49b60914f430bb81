"""`tales simulate`: a provider that plays a script per model, to try settings with."""

from __future__ import annotations

from typing import Annotated

import typer

from tales.domain.errors import Unavailable
from tales.interfaces.cli.console import err, out
from tales.interfaces.cli.running import run
from tales.simulator.server import Simulator, serve_simulator
from tales.simulator.steps import steps_table


def simulate(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any that is free.")] = 8100,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    dialect: Annotated[
        str | None,
        typer.Option(help="Tell stories like a server: ollama, lm-studio, llama.cpp, vllm, vllm-0.4, openrouter."),
    ] = None,
    steps: Annotated[bool, typer.Option("--steps", help="List the steps of a script, and leave.")] = False,
) -> None:
    """Answer like OpenRouter, well or badly, as the model's name says: sim/500-500-ok, sim/hang, sim/garbage, ..."""
    if steps:
        out.print(steps_table(), markup=False, soft_wrap=True)
        return

    def say_where(simulator: Simulator) -> None:
        kind = "plays scripts" if dialect is None else f"speaks like {dialect}"
        err.print(f"A provider that {kind}. In another terminal:", soft_wrap=True)
        out.print(f"TALES_LLM_BASE_URL={simulator.url}", markup=False, soft_wrap=True)
        more = "   (more: tales simulate --steps)" if dialect is None else ""
        err.print(f"TALES_MODELS={simulator.model}{more}", markup=False, soft_wrap=True)

    try:
        run(serve_simulator(host, port, say_where, dialect))
    except OSError as error:
        raise Unavailable(f"Cannot listen on {host}:{port}: {error.strerror}. Choose another --port.") from None
