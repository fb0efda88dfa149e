"""A study as a page: what came out, its pictures, its table, and what it was made of."""

from __future__ import annotations

from otoscope.core import Finding
from otoscope.studies.result import StudyResult
from otoscope.views.findings import MOST_ROWS, findings_html


def study_html(result: StudyResult) -> str:
    """Return a self-contained page of a study, ready to be written as UTF-8."""
    minutes, seconds = divmod(round(result.seconds), 60)
    took = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    finding = Finding(result.name, result.summary, result.table, result.panels, result.provenance)
    subtitle = f"a study; it took {took}"
    return findings_html([finding], title=result.name.replace("-", " "), subtitle=subtitle, most_open=MOST_ROWS)
