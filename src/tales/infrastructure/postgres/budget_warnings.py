"""What the database says when a budget is nearly used up (migration 030), in the service's log."""

from __future__ import annotations

import json

from psycopg.errors import Diagnostic

NEARLY_USED_UP = "TB001"


def log_budget_warning(notice: Diagnostic) -> None:
    """Log it. Other notices may say anything, and are nobody's."""
    if notice.sqlstate == NEARLY_USED_UP:
        import structlog  # noqa: PLC0415 -- hardly ever, and no command waits for it

        detail = json.loads(notice.message_detail or "{}")
        facts = {name: detail.get(name) for name in ("budget", "scope", "model", "period")}
        structlog.get_logger().warning("budget nearly used up", **facts)
