"""Files that the program makes are new, whole, and readable by their owner alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tales import files
from tales.files import locked, new_file


@pytest.fixture(autouse=True)
def _lax_umask() -> object:
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_file_is_there_once_it_is_whole_and_nobody_else_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    with new_file(path) as file:
        file.write(b"half")
        assert not path.exists()
        (draft,) = tmp_path.iterdir()
        assert stat.S_IMODE(draft.stat().st_mode) == 0o600
        file.write(b" and half")

    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"half and half", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_not_finished_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError), new_file(tmp_path / "export.json") as file:
        file.writelines([b"half", None])  # type: ignore[list-item]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("names", [["export.json"], ["export.json.unfinished", "export.json"]], ids=str)
@pytest.mark.parametrize("is_link", [True, False])
def test_what_somebody_has_put_there_before_is_neither_used_nor_replaced(
    tmp_path: Path, names: list[str], *, is_link: bool
) -> None:
    (precious := tmp_path / "precious").write_text("precious")
    for name in names:
        (tmp_path / name).symlink_to(precious) if is_link else (tmp_path / name).write_text("precious")

    with pytest.raises(FileExistsError), new_file(tmp_path / "export.json"):
        raise AssertionError("it must not get here")

    assert {path.read_text() for path in tmp_path.iterdir()} == {"precious"}


def test_a_draft_of_somebody_elses_under_the_old_name_is_not_used(tmp_path: Path) -> None:
    (others := tmp_path / "export.json.unfinished").touch(0o666)
    with new_file(tmp_path / "export.json") as file:
        file.write(b"mine")

    assert others.read_bytes() == b""
    assert stat.S_IMODE((tmp_path / "export.json").stat().st_mode) == 0o600


def test_what_comes_to_be_there_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    with pytest.raises(FileExistsError), new_file(path):
        path.write_text("precious")
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("export.json", "precious")]


def test_a_file_is_replaced_where_that_is_wanted_and_not_what_it_leads_to(tmp_path: Path) -> None:
    (precious := tmp_path / "precious").write_text("precious")
    (path := tmp_path / "tokens.json").symlink_to(precious)
    with new_file(path, replaces=True) as file:
        file.write(b"new")
    assert (path.read_text(), path.is_symlink(), precious.read_text()) == ("new", False, "precious")


def test_a_file_system_without_links_gets_the_file_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(files.Path, "hardlink_to", unsupported)
    with new_file(tmp_path / "export.json") as file:
        file.write(b"whole")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("export.json", b"whole")]


def test_a_lock_is_taken_through_no_link(tmp_path: Path) -> None:
    (precious := tmp_path / "precious").write_text("precious")
    (tmp_path / "lock").symlink_to(precious)
    with pytest.raises(OSError, match="symbolic links"), locked(tmp_path / "lock"):
        raise AssertionError("it must not get here")
    assert precious.read_text() == "precious"
