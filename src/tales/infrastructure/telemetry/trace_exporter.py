"""Whether and where traces go, by the variables of OpenTelemetry: https://opentelemetry.io/docs/specs/otel/configuration.

What is wrong with them is said and otherwise ignored, as its specification wants: a story needs no trace.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tales.application.ports import Log

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

    from tales.infrastructure.telemetry.tracing import Tracing

_ADDRESSES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_KNOWN_PROVIDERS = {
    "api.anthropic.com": "anthropic",
    "api.deepseek.com": "deepseek",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral_ai",
    "api.openai.com": "openai",
    "api.perplexity.ai": "perplexity",
    "api.x.ai": "x_ai",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "openrouter.ai": "openrouter",
}


def open_tracing(base_url: str | None, log: Log) -> Tracing | None:
    """What tells of the calls to the provider at `base_url` (None: the local model); None where nobody asks for it."""
    if not _is_wanted():
        return None
    try:
        from tales.infrastructure.telemetry.tracing import Tracing  # noqa: PLC0415 -- its library, where that is wanted

        exporter = _exporter()
        if exporter is not None:
            return Tracing(exporter, _provider_name(base_url))
        advice = "use OTEL_TRACES_EXPORTER=otlp, console or none, and OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
    except ImportError:
        advice = "pip install 'tales[otel]'"
    except Exception as error:  # noqa: BLE001 -- whatever does not suit the library, stories are written
        advice = f"look at the variables OTEL_...: the library says {type(error).__name__}"
    log.warning("no traces, although a variable OTEL_... asks for them", advice=advice)
    return None


def _is_wanted() -> bool:
    if _variable("OTEL_SDK_DISABLED") == "true" or _variable("OTEL_TRACES_EXPORTER") == "none":
        return False
    return any(_variable(name) for name in ("OTEL_TRACES_EXPORTER", *_ADDRESSES))


def _exporter() -> SpanExporter | None:
    """None for a way that is not among the two."""
    name = _variable("OTEL_TRACES_EXPORTER") or "otlp"
    protocol = next(filter(None, map(_variable, _PROTOCOLS)), "http/protobuf")
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415

        return ConsoleSpanExporter()
    if name != "otlp" or protocol != "http/protobuf":
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    return OTLPSpanExporter()


def _provider_name(base_url: str | None) -> str:
    """As the conventions call it, which know no name for a server of one's own."""
    if base_url is None:
        return "local"
    return _KNOWN_PROVIDERS.get(urlsplit(base_url).hostname or "", "openai_compatible")


def _variable(variable: str) -> str:
    return os.environ.get(variable, "").strip().lower()
