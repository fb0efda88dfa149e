"""Panels of evaluations: rates with their intervals, where errors lie, what is worst. Plain data, nothing is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otoscope.core import Panel
from otoscope.recognizers.evaluation.breakdown import Part
from otoscope.recognizers.evaluation.measurements import Measurements
from otoscope.recognizers.evaluation.pairs import Pair

MOST_BARS = 40
CAPTION = "Share of words that were wrong; bars are 95 % bootstrap intervals."


def evaluation_panels(evaluation: Measurements) -> tuple[Panel, ...]:
    """Return facts, rates by noisiness, duration and speaker, and the worst utterances."""
    titles = {"by_snr": "estimated signal-to-noise ratio", "by_duration": "duration", "by_speaker": "speaker"}
    bars = [parts_panel(evaluation.parts[kind], title=f"Word errors by {title}") for kind, title in titles.items()]
    return (facts_panel(evaluation), *bars, worst_panel(evaluation))


def facts_panel(evaluation: Measurements) -> Panel:
    """Return the figures of an evaluation by name."""
    words, cost = evaluation.words, evaluation.cost
    low, high = evaluation.interval
    counts = f"{words.substitutions} substitutions, {words.deletions} deletions, {words.insertions} insertions"
    facts = [
        ("word error rate", f"{_percent(evaluation.wer)} ({_percent(low)} to {_percent(high)})"),
        ("interval", f"95 %, bootstrap over {evaluation.interval_over}{_few(evaluation)}"),
        ("errors", f"{counts} in {words.n_reference} words of {len(evaluation.judged)} utterances"),
        ("character error rate", _percent(evaluation.cer)),
        ("heard empty", f"{len(evaluation.empty)}, of which {len(evaluation.refused)} refused"),
        ("real-time factor", f"{evaluation.rtf:.3f} ({cost.n_processes} × {cost.n_threads or 'any'} threads)"),
        ("peak memory", f"{cost.peak_memory_mb:.0f} MB"),
        ("loading", f"{cost.load_s:.1f} s"),
        ("latency", latency_text(evaluation)),
    ]
    return Panel("facts", f"{evaluation.name} on {evaluation.corpus} ({evaluation.split})", {"facts": facts})


def latency_text(evaluation: Measurements) -> str:
    """Return median and 95th percentile of the delay of words, or why there is none."""
    if evaluation.latency is None:
        return "does not stream"
    found = evaluation.latency.summary()
    if not found["n_words"]:
        return "no word was heard with its time"
    within = f"95 % within {found['p95_s']:.2f} s of a word's end"
    return f"median {found['median_s']:.2f} s, {within} ({found['n_words']} words)"


def parts_panel(parts: Sequence[Part], *, title: str) -> Panel:
    """Return bars, or a table where there are too many of them."""
    counted = [part for part in parts if part.wer is not None]
    if len(counted) > MOST_BARS:
        rows: list[list[Any]] = [[p.name, p.n_utterances, p.n_words, p.wer, p.low, p.high] for p in counted]
        rows.sort(key=lambda row: -row[3])
        return Panel(
            "table", title, {"columns": ["", "utterances", "words", "WER", "low", "high"], "rows": rows}, CAPTION
        )
    data = {
        "labels": [f"{part.name} (n {part.n_words})" for part in counted],
        "values": [part.wer for part in counted],
        "low": [part.low for part in counted],
        "high": [part.high for part in counted],
        "y_label": "word error rate",
    }
    return Panel("bars", title, data, f"{CAPTION} n: words.")


def worst_panel(evaluation: Measurements) -> Panel:
    """Return the utterances with most errors."""
    rows = [
        [one.utterance.id, one.rate.errors, one.rate.n_reference, " ".join(one.said), " ".join(one.heard.words)]
        for one in evaluation.worst()
    ]
    columns = ["utterance", "errors", "words", "said", "heard"]
    return Panel("table", "Most errors", {"columns": columns, "rows": rows}, "Normalised words, as they were compared.")


def _few(evaluation: Measurements) -> str:
    n = evaluation.n_speakers
    if evaluation.interval_over == "speakers" and n is not None and n < 10:
        return f"; {n} speakers are few, so it is too narrow"
    return ""


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def comparison_panels(evaluations: Sequence[Measurements], pairs: Sequence[Pair]) -> tuple[Panel, ...]:
    """Return error rates side by side, the pairs, and the rates of each under the same circumstances."""
    return (wer_panel(evaluations), pairs_panel(pairs), *grouped_panels(evaluations))


def wer_panel(evaluations: Sequence[Measurements]) -> Panel:
    """Return the word error rates of all recognisers with their intervals."""
    data = {
        "labels": [evaluation.name for evaluation in evaluations],
        "values": [evaluation.wer for evaluation in evaluations],
        "low": [evaluation.interval[0] for evaluation in evaluations],
        "high": [evaluation.interval[1] for evaluation in evaluations],
        "y_label": "word error rate",
    }
    return Panel(
        "bars", "Word error rates", data, f"{CAPTION} They may overlap although the pair differs: see the tests."
    )


def pairs_panel(pairs: Sequence[Pair]) -> Panel:
    """Return the tests of every two recognisers."""
    rows = [
        [
            pair.a,
            pair.b,
            pair.difference.difference,
            pair.difference.low,
            pair.difference.high,
            pair.test.n_segments,
            pair.test.statistic,
            pair.test.p_value,
            pair.p_corrected,
            pair.better or "not told apart",
        ]
        for pair in pairs
    ]
    columns = ["A", "B", "WER A − B", "low", "high", "segments", "W", "p", "p (Holm)", "fewer errors"]
    few = any(not pair.test.enough for pair in pairs)
    caption = (
        "Difference with its 95 % bootstrap interval (Bisani & Ney 2004); matched-pairs sentence-segment word error "
        "test (Gillick & Cox 1989), two-sided; p corrected for the number of pairs (Holm 1979)."
    )
    if few:
        caption += " Fewer than 50 segments: the normal approximation behind p is rough."
    return Panel("table", "Is the difference more than chance?", {"columns": columns, "rows": rows}, caption)


def grouped_panels(evaluations: Sequence[Measurements]) -> tuple[Panel, ...]:
    """Return tables of the rates by noisiness, duration and speaker, a column a recogniser."""
    titles = {"by_snr": "estimated signal-to-noise ratio", "by_duration": "duration", "by_speaker": "speaker"}
    panels = []
    for kind, title in titles.items():
        parts = [{part.name: part for part in evaluation.parts[kind]} for evaluation in evaluations]
        names = [name for name, part in parts[0].items() if part.n_words]
        rows = [[name, parts[0][name].n_words, *(each[name].wer for each in parts if name in each)] for name in names]
        columns = ["", "words", *(evaluation.name for evaluation in evaluations)]
        panels.append(Panel("table", f"Word errors by {title}", {"columns": columns, "rows": rows}))
    return tuple(panels)
