"""Fixtures of the integration tests: they run the built program, never the library."""
import os
import pathlib
import subprocess

import pytest


@pytest.fixture(scope="session")
def build():
    """The build tree under test."""
    source = pathlib.Path(__file__).resolve().parents[2]
    return pathlib.Path(os.environ.get("CHANCERY_BUILD", source / "build" / "dev"))


@pytest.fixture(scope="session")
def chancery(build):
    """The path of the program under test."""
    path = pathlib.Path(os.environ.get("CHANCERY_BIN", build / "bin" / "chancery"))
    assert path.is_file(), f"{path} is not built"
    return path


@pytest.fixture(scope="session")
def run(chancery):
    """Runs a command to its end: run("plugin", "list").stdout."""

    def run_command(*words, env=None, cwd=None):
        return subprocess.run(
            [str(chancery), *map(str, words)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=cwd,
            env={**os.environ, **(env or {})},
        )

    return run_command
