"""What surrounds the embedded server: its programs, and a socket outside its folder."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from tales.infrastructure.embedded.cluster import Cluster, programs
from tales.infrastructure.embedded.cluster_settings import server_settings
from tales.infrastructure.embedded.data_folder import EmbeddedUnavailable
from tales.infrastructure.embedded.server import start_embedded, stop_embedded
from tests.fixtures.server import run_folder


@pytest.fixture
def far_home() -> Iterator[Path]:
    """A home whose path is too long for a socket."""
    home = run_folder() / ("far-" + "x" * 120)
    socket_dir = Cluster(home / "postgres").socket_dir
    yield home
    stop_embedded(home)
    if socket_dir.exists():
        socket_dir.rmdir()


def test_a_short_path_keeps_the_socket_with_the_data() -> None:
    data = Path("/home/ada/.tales/postgres")
    assert Cluster(data).socket_dir == data


def test_a_folder_that_anybody_could_enter_is_no_place_for_the_socket(far_home: Path) -> None:
    socket_dir = Cluster(far_home / "postgres").socket_dir
    socket_dir.mkdir(mode=0o755)
    with pytest.raises(EmbeddedUnavailable, match="somebody else's"):
        start_embedded(far_home, durable=False)
    socket_dir.rmdir()
    start_embedded(far_home, durable=False)


def test_without_its_package_a_user_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(EmbeddedUnavailable, match="TALES_DATABASE_URL"):
        programs()


def test_a_socket_folder_with_quotes_and_a_comma_is_one_folder() -> None:
    folder = Path("""/a b/"quoted", and 'quoted'/c""")
    line = next(line for line in server_settings(folder, durable=True).splitlines() if "directories" in line)
    assert line == """unix_socket_directories = '"/a b/""quoted"", and ''quoted''/c"'"""
