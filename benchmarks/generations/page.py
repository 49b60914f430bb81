"""The figures of `make bench-generations` as the tables of docs/performance.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from benchmarks.measuring import table

_PART = re.compile(r"(<!-- figures: (?P<name>[a-z_]+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)


def write_page(page: Path, figures: dict[str, Any]) -> None:
    """Put the figures between their marks; the text around them stays."""
    parts = {
        "machine": figures["machine"] + "\n",
        "rates": rates(figures["rates"]),
        "counted": counted(figures["counted"]),
        "present": present(figures["present"]),
        "in_flight": in_flight(figures["in_flight"]),
    }
    text = page.read_text(encoding="utf-8")
    page.write_text(_PART.sub(lambda m: f"{m[1]}{parts[m['name']]}{m[3]}", text), encoding="utf-8")


def rates(measured: list[dict[str, Any]]) -> str:
    """Generations a second, and how they compare with the limit, which is the first of them."""
    rows = [
        (
            one["what"],
            f"{one['per_second']:,.0f}",
            f"{one['least']:,.0f} to {one['most']:,.0f}",
            f"{one['per_second'] / measured[0]['per_second']:.2f}",
            f"{one['p50_ms']:.1f}" if one["p50_ms"] else "",
            f"{one['p99_ms']:.1f}" if one["p99_ms"] else "",
            one["wrong"],
        )
        for one in measured
    ]
    return table(("what", "generations a second", "from to", "of the limit", "p50 ms", "p99 ms", "wrong"), rows)


def counted(found: dict[str, float]) -> str:
    """What one generation costs the database server."""
    row = (
        f"{found['statements']:.2f}",
        f"{found['transactions']:.2f}",
        f"{found['log_bytes'] / 1000:.1f} kB",
        f"{found['disk_bytes'] / 1000:.1f} kB",
    )
    return table(("statements", "transactions", "write-ahead log", "disk"), [row])


def present(measured: list[dict[str, Any]]) -> str:
    """How it grows with what is there already."""
    rows = [
        (
            f"{one['present']:,}",
            f"{one['size'] / 1e9:.2f} GB",
            one["clients"],
            f"{one['per_second']:,.0f}",
            one["p50_ms"],
            one["p99_ms"],
        )
        for one in measured
    ]
    return table(("generations present", "size", "clients", "generations a second", "p50 ms", "p99 ms"), rows)


def in_flight(measured: list[dict[str, Any]]) -> str:
    """Many calls at a time in one process."""
    rows = [
        (
            f"{one['clients']:,}",
            f"{one['answers']:,}",
            one["wrong"],
            f"{one['seconds']:.1f}",
            ", ".join(f"{count:,} {status}, attempt {attempt}" for status, attempt, count in one["attempts"]),
            f"{one['memory'] / 1e6:.0f} MB",
            f"{one['blocked_ms']:.0f} ms",
            one["connections"],
        )
        for one in measured
    ]
    head = (
        "in flight",
        "answers",
        "wrong",
        "seconds",
        "attempts",
        "memory",
        "longest ping",
        "connections to PostgreSQL",
    )
    return table(head, rows)
