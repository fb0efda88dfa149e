"""What the command-line tests share: a way to run it, and recordings good and bad."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from otoscope.cli import main
from otoscope.corpora.sample import sample_path


@dataclass
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command line inside this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Result:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture
def spawn() -> Callable[..., subprocess.Popen[str]]:
    """Start the command line as a process in its own session, so that it can be interrupted as a terminal does."""

    def call(*arguments: object, **options: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "otoscope", *map(str, arguments)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=environment,
            **options,  # type: ignore[arg-type]
        )

    return call


@pytest.fixture(scope="session")
def talk() -> Path:
    """The sample recording that ships with the package."""
    return sample_path()


@pytest.fixture(scope="session")
def speech(talk: Path) -> np.ndarray:
    samples, rate = soundfile.read(talk, dtype="float32")
    assert rate == 16000
    return samples
