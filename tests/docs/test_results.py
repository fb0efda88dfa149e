"""docs/results.md says exactly what the kept JSON of its commands says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_page_is_made_from_the_kept_results():
    spec = importlib.util.spec_from_file_location("results", ROOT / "benchmarks" / "results.py")
    results = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(results)
    kept = {path.stem for path in results.KEPT.glob("*.json")}
    assert kept == {entry.name for entry in results.ENTRIES}
    assert results.PAGE.read_text(encoding="utf-8") == results.render()
