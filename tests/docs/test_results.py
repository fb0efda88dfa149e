"""docs/results.md says exactly what the kept JSON of its commands says."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[2]


def test_page_is_made_from_the_kept_results():
    results = SimpleNamespace(**runpy.run_path(str(ROOT / "benchmarks" / "results.py"), run_name="results"))
    kept = {path.stem for path in results.KEPT.glob("*.json")}
    assert kept == {entry.name for entry in results.ENTRIES}
    assert results.PAGE.read_text(encoding="utf-8") == results.render()
