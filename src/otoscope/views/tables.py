"""Panels that are tables: the n-best list, all words of an explanation, the records of a study."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from otoscope.core import Explanation, Hypothesis, Panel
from otoscope.views.reading import percent, span, stretch_of, warning_of

N_BEST = 10


def nbest_panel(hypotheses: Sequence[Hypothesis]) -> Panel:
    """Return the best hypotheses with the log score each lies behind the first."""
    best = hypotheses[0].log_score
    rows = []
    for rank, hypothesis in enumerate(hypotheses[:N_BEST], start=1):
        behind = None if best is None or hypothesis.log_score is None else hypothesis.log_score - best
        rows.append([rank, hypothesis.text or "(no words)", hypothesis.log_score, behind])
    more = f" {len(hypotheses) - N_BEST} more are in the Trace." if len(hypotheses) > N_BEST else ""
    caption = f"What else it might have been: natural-log scores, and the distance from the best.{more}"
    return Panel("table", "n-best", {"columns": ["rank", "text", "log score", "behind"], "rows": rows}, caption)


def differences(words: Sequence[str], best: Sequence[str]) -> list[tuple[str, bool]]:
    """Return the words of a hypothesis as runs of text, each with whether it differs from the best one.

    Examples
    --------
    >>> differences(("so", "my", "yellow"), ("so", "my", "fellow"))
    [('so my', False), ('yellow', True)]
    """
    runs = []
    for tag, _, _, start, end in difflib.SequenceMatcher(None, list(best), list(words), autojunk=False).get_opcodes():
        if end > start:
            runs.append((" ".join(words[start:end]), tag != "equal"))
        elif tag == "delete":
            runs.append(("·", True))
    return runs


def words_panel(explanation: Explanation) -> Panel:
    """Return one row a target: place, score, strongest stretch, relevance mass beside chance, and what failed."""
    rows = []
    for a in explanation:
        interval, stretch, trust = a.target.interval, stretch_of(a), a.trust
        rows.append(
            [
                a.target.label if a.target.rival is None else f"{a.target.label} / {a.target.rival}",
                "–" if interval is None else span(interval.start_s, interval.end_s),
                round(a.score, 2),
                "–" if stretch is None else span(stretch.start_s, stretch.end_s),
                "–" if trust.relevance_mass is None else percent(trust.relevance_mass),
                "–" if trust.chance_mass is None else percent(trust.chance_mass),
                warning_of(a) or "passed",
            ]
        )
    columns = ["word", "time", "score (nats)", "rests on", "inside the word", "chance", "checks"]
    caption = (
        "Inside the word: share of positive relevance within the word's own time, beside what a flat map would have."
    )
    return Panel("table", "All words", {"columns": columns, "rows": rows}, caption)


def records_panel(records: Sequence[Mapping[str, Any]], *, title: str) -> Panel:
    """Return a table of records (dicts) as a Panel; the columns are those of the first record, then any others."""
    columns = list(dict.fromkeys(name for record in records for name in record))
    rows = [[record.get(name) for name in columns] for record in records]
    return Panel("table", title, {"columns": columns, "rows": rows})
