"""Every example in README and docs runs: Python blocks in order, and console lines that begin with `$ otoscope`."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from otoscope.cli import main
from otoscope.corpora.sample import sample_path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(python|console)([^\n]*)\n(.*?)^```", re.M | re.S)


def blocks(page: Path) -> list[tuple[str, str]]:
    """The runnable blocks of a page; one marked `no-run` says in the text beside it what it needs."""
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [(language, body) for language, options, body in found if "no-run" not in options]


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p)], ids=lambda p: str(p.relative_to(ROOT)))
def test_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.chdir(tmp_path)
    shutil.copy(sample_path(), tmp_path / "talk.flac")
    namespace: dict[str, object] = {"__name__": "example"}
    for language, body in blocks(page):
        if language == "python":
            exec(compile(body, str(page), "exec"), namespace)
            continue
        for line in body.splitlines():
            if line.startswith("$ otoscope "):
                assert main(shlex.split(line)[2:]) == 0, (line, capsys.readouterr().err)


def test_there_are_examples():
    assert sum(len(blocks(page)) for page in PAGES) >= 10
