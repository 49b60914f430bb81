"""The process in which the local model runs, and the only place that knows xllamacpp.

llama.cpp gets a process of its own because, tried inside the service's, it waited 30 seconds for open streams
when it was closed, ended the interpreter with a segmentation fault when it was not, and an assertion of its own
would take the whole service with it.

`python -m tales.infrastructure.providers.local_model_process` reads an `Order` as one line of JSON, writes the
address that it listens on as one line, and runs until its standard input closes: so it ends with its parent,
however that one ends.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import dataclass

import xllamacpp

_SILENT = -1


@dataclass(frozen=True, slots=True)
class Order:
    """What to run.

    `context_tokens` is the room of each of the `parallel` conversations, prompt included. `is_small` is whether it
    is the model that comes along.
    """

    model_file: str
    model_name: str
    api_key: str
    context_tokens: int
    parallel: int
    threads: int
    is_small: bool


def main() -> None:
    """Serve the ordered model until standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, whose end is ours
    report = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what C code prints must not mix with the report
    order = Order(**json.loads(sys.stdin.readline()))
    server = xllamacpp.Server(_parameters(order))
    print(server.listening_address, file=report, flush=True)
    sys.stdin.read()
    os._exit(0)  # an orderly end would wait for open streams


def _parameters(order: Order) -> xllamacpp.CommonParams:
    """llama.cpp's settings: a server on loopback for those who have the key, without its pages and logs."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = order.model_file
    parameters.model_alias = {order.model_name}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [order.api_key]
    parameters.verbosity = _SILENT
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.n_parallel = order.parallel
    parameters.n_ctx = order.context_tokens * order.parallel
    parameters.n_gpu_layers = 0
    parameters.cache_ram_mib = 0  # no two prompts share enough to be worth gigabytes
    parameters.cpuparams.n_threads = order.threads
    parameters.cpuparams_batch.n_threads = order.threads
    if order.is_small:
        _discourage_repetition(parameters.sampling)
        # Each word reads all of it. Memory of its own can have huge pages (HUGE_PAGES), which a mapped file has not.
        parameters.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    return parameters


def _discourage_repetition(sampling: xllamacpp.CommonParamsSampling) -> None:
    """Keep a very small model from saying one sentence for ever.

    Found by trying, with SmolLM2-135M at temperature 0.8: with a repeat penalty of 1.05, 8 of 20 stories had no end,
    with llama.cpp's DRY sampler 11 of 16, with these settings 6 of 144. A larger model does not need them.
    """
    sampling.min_p = 0.1
    sampling.penalty_repeat = 1.12
    sampling.penalty_freq = 0.02
    sampling.penalty_last_n = 256


if __name__ == "__main__":
    main()
