"""The built wheel: what somebody gets who installs Tales without a checkout of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tales.simulator.server import Simulator
from tests.fixtures.databases import Database

CHECKOUT = Path(__file__).parents[2]
TALES = ("-m", "tales.interfaces.cli.main")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the wheel was installed, without its dependencies: the checkout's do."""
    made, installed = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(made)]
    subprocess.run(build, cwd=CHECKOUT, check=True, capture_output=True)
    (wheel,) = made.glob("*.whl")
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--no-compile", "--target"]
    subprocess.run([*install, str(installed), str(wheel)], check=True, capture_output=True)
    return installed


def files_under(folder: Path) -> set[str]:
    return {
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def test_it_holds_every_file_of_the_package(installed: Path) -> None:
    assert files_under(installed / "tales") == files_under(CHECKOUT / "src" / "tales")


def test_it_migrates_a_database_and_writes_a_story(
    installed: Path, empty_database: Database, background_simulator: Simulator, tmp_path: Path
) -> None:
    variables = {
        "PYTHONPATH": str(installed),
        "TALES_DATABASE_URL": empty_database.owner_url,
        "TALES_LLM_BASE_URL": background_simulator.url,
        "TALES_MODELS": "sim/ok",
    }

    def python(*arguments: str) -> str:
        command, environment = (sys.executable, *arguments), os.environ | variables
        done = subprocess.run(command, check=False, cwd=tmp_path, env=environment, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert Path(python("-c", "import tales; print(tales.__file__)").strip()).is_relative_to(installed)
    python(*TALES, "migrate", "up")
    python(*TALES, "write", "Mia", "--age", "6", "--moral", "kindness")

    assert empty_database.rows("select count(*) from tales.stories")[0]["count"] == 1
