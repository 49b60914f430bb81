"""The secret that signs tokens: the operator's, or one made once."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import SecretStr

from tales.infrastructure.auth.secret import FILE_NAME, signing_secret


def test_the_operators_secret_is_used_and_none_is_made(tmp_path: Path) -> None:
    assert signing_secret(tmp_path, SecretStr("the operator's")) == "the operator's"
    assert list(tmp_path.iterdir()) == []


def test_a_secret_is_made_once_and_found_again(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"

    secret = signing_secret(home, None)

    assert len(secret) >= 32
    assert signing_secret(home, None) == secret
    assert signing_secret(tmp_path / "other", None) != secret


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    signing_secret(tmp_path, None)

    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600


def test_commands_that_start_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        secrets = list(pool.map(lambda _: signing_secret(tmp_path, None), range(32)))

    assert len(set(secrets)) == 1
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
