"""One word for one thing, and it is the field's: the private words that were replaced do not come back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REPLACED = {
    "House": "App",
    "open_house": "running_app",
    "_SigningIn": "_Auth",
    "signs_in_elsewhere": "external_auth",
    "Wishes": "MigrationOptions",
    "wishes_for": "migration_options",
    "StoryWish": "GenerationRequest",
    "StoryBrief": "StorySpec",
    "Manuscript": "ParsedStory",
    "read_manuscript": "parse_story",
    "WORTH_ANOTHER_MODEL": "FALLBACK_KINDS",
    "EndAttempt": "FailAttempt",
    "KeyUse": "IdempotencyRecord",
    "entry_attempts": "login_attempts",
    "EntryKind": "LoginKind",
    "admit": "check_throttle",
    "Outdated": "VersionConflict",
    "NotWritten": "GenerationFailed",
    "StillWriting": "GenerationTimeout",
    "NotSignedIn": "Unauthenticated",
    "Newcomers": "ProvisionUser",
    "KeepSession": "Sessions",
    "look_before": "check_migration",
    "bring_up": "migrate_up",
    "take_down": "migrate_down",
    "passes_policies": "bypasses_rls",
    "open_books": "ensure",
    "take_turn": "acquire_lock",
    "LiveTeller": "ProgressPublisher",
    "LiveGenerations": "ProgressHub",
    "hear_text": "on_text",
    "is_told": "connected",
    "Followers": "Subscriptions",
    "AttemptTold": "AttemptEvent",
    "RetryTold": "RetryEvent",
    "TextWritten": "TextDelta",
    "adopt_orphans": "requeue_stale",
    "Sweep": "Reaper",
    "Exchange": "StreamingCall",
    "Arrival": "ParsedChunk",
    "Reassembly": "StreamAccumulator",
    "SETTLE": "USAGE_TIMEOUT",
    "LINGER": "DRAIN_TIMEOUT",
    "Manners": "HttpSettings",
    "AnswerHeaders": "ResponseHeaders",
    "Lifecycle": "DeprecationHeaders",
    "refused_requests": "validation_errors",
    "kept_tokens": "token_store",
    "survivors": "unaffected",
    "Fate": "Impact",
    "open_doors": "permissive_policies",
    "insider": "member",
    "Workshop": "BenchServer",
    "Shelf": "Library",
    "SETTLED": "QUARANTINE",
    "Tally": "Counts",
    "is_moving": "is_own_write",
    "say_moving": "set_own_write",
    "is_migrating": "may_rewrite",
    "migration_notes": "saved_originals",
    "legacy_columns": "dropped_columns",
    "relaxed_columns": "relaxed_not_nulls",
    "has_place": "misfits",
    "settle_stories": "resolve_misfits",
    "keep_generation": "sync_story",
    "bridge_story": "link_written_story",
    "bridge_generation": "sync_linked_story",
    "way_back": "down",
    "LocalWriter": "local_client",
    "RemotePlace": "open_client",
    "LocalRecords": "open_transactions",
    "AnsweredStory": "Story",
    "answered_generation": "Generation",
    "open_place": "backend",
    "local_place": "in_process",
    "remote_place": "backend",
    "KnownChild": "Child",
    "KnownHero": "Hero",
}
_WORD = re.compile(r"\b(?:" + "|".join(REPLACED) + r")\b")


@pytest.mark.parametrize("room", ["src", "tests", "docs", "benchmarks"])
def test_no_replaced_word_is_left(room: str) -> None:
    files = [path for kind in ("*.py", "*.sql", "*.md") for path in (ROOT / room).rglob(kind)]
    assert files
    found = [
        f"{path.relative_to(ROOT)}: {word} is now {REPLACED[word]}"
        for path in files
        if path != Path(__file__)
        for word in sorted(set(_WORD.findall(path.read_text(encoding="utf-8"))))
    ]
    assert found == []
