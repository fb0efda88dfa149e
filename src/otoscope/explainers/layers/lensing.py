"""The lens: what had layer k heard? Text by layer, the first layer that has each word, and words lost on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otoscope.core import Finding, Panel, Recognizer, Recording
from otoscope.core.protocols import Progress
from otoscope.explainers.layers.hearing import Hearings, LayerHearing, WordPath, hearings, word_paths
from otoscope.explainers.layers.sites import made_by
from otoscope.lexicon.normalization import normalize_words
from otoscope.metrics.error_rate import error_rate


def lens(
    recognizer: Recognizer,
    recording: Recording,
    *,
    reference: str | None = None,
    sites: Sequence[str] | None = None,
    into: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Finding:
    """Return what was heard from each layer, in the place of the last.

    Parameters
    ----------
    recognizer
        One whose inside is open: CTC, hybrid, transducer and attention families, wav2vec 2.0, Whisper.
    recording
        What it hears.
    reference
        What is said. Without it, layers are compared with what is heard at the end, and no word can be lost.
    sites, into
        Layers to read and the site in whose place they are put; see `hearing.hearings`.
    seed
        Of the control.
    progress
        Called with (layers read, all).

    Returns
    -------
    Finding
        One row a layer: `text`, `wer` against the reference, `n_right` of its words, `confidence` (mean over words,
        `None` where the recogniser has none). The provenance has `words` (for each word `first_right`, `right_at`,
        `right_until`, what was heard at the end), `regressive` (those right at a layer and wrong at the end), and
        `left_out` (layers that the decoder cannot read, with the reason).

    Raises
    ------
    NotAble
        The recogniser's inside is not open.
    BadInput
        It has no such site.

    Notes
    -----
    Langedijk et al. (2023); see `otoscope.explainers.layers.hearing` for what the lens cannot tell. Checks: with the
    last layer's own values put back, the text must be that of the untouched recogniser; words that the decoder also
    says where the last layer's units are in random order were not heard from a layer.
    """
    heard = hearings(recognizer, recording, sites=sites, into=into, seed=seed, progress=progress)
    words = normalize_words(reference) if reference is not None else heard.final.words
    paths = word_paths(words, heard)
    rows = tuple(_row(layer, words, paths) for layer in heard.layers)
    failures = _failures(words, heard)
    regressive = [path for path in paths if path.is_regressive]
    provenance = {
        "recognizer": made_by(recognizer),
        "recording": {"sha256": recording.digest, "duration_s": recording.duration_s, "source": recording.source},
        "reference": reference,
        "seed": seed,
        "final_text": heard.final.text,
        "control_texts": [control.text for control in heard.controls],
        "words": [_path(path) for path in paths],
        "regressive": [_path(path) for path in regressive],
        "left_out": dict(heard.left_out),
    }
    panels = (_text_panel(rows, heard), _word_panel(paths, heard), _error_panel(rows))
    warned = tuple(Panel(p.kind, p.title, p.data, p.caption, "; ".join(failures)) for p in panels)
    return Finding("lens", _summary(paths, heard, known=reference is not None), rows, warned, provenance, failures)


def _row(layer: LayerHearing, words: Sequence[str], paths: Sequence[WordPath]) -> dict[str, Any]:
    return {
        "layer": layer.site,
        "text": layer.text,
        "wer": error_rate(words, layer.words).rate if words else None,
        "n_right": sum(layer.site in path.right_at for path in paths),
        "confidence": layer.confidence,
    }


def _path(path: WordPath) -> dict[str, Any]:
    return {
        "position": path.position,
        "word": path.word,
        "first_right": path.first_right,
        "right_until": path.right_until,
        "right_at": list(path.right_at),
        "heard_at_end": path.heard_at_end,
        "right_at_end": path.right_at_end,
    }


def _failures(words: Sequence[str], heard: Hearings) -> tuple[str, ...]:
    failures = []
    if heard.layers[-1].text != heard.final.text:
        failures.append(
            f"with its own values put back at {heard.layers[-1].site} the recogniser hears {heard.layers[-1].text!r} "
            f"instead of {heard.final.text!r}, so what is heard from other layers cannot be trusted"
        )
    by_itself = [control.text for control in heard.controls if set(words) <= set(control.words)]
    if words and 2 * len(by_itself) > len(heard.controls):
        failures.append(f"the decoder says {by_itself[0]!r} to units in random order too: these words are its own")
    return tuple(failures)


def _summary(paths: Sequence[WordPath], heard: Hearings, *, known: bool) -> str:
    n_right = sum(path.right_at_end for path in paths)
    regressive = [path for path in paths if path.is_regressive]
    first = next((row.site for row in heard.layers if row.words and row.words == heard.final.words), None)
    parts = [f"{n_right} of {len(paths)} words are right at the end."] if known else [f"Heard: {heard.final.text!r}."]
    parts.append(
        f"The text of the end is first heard from {first}." if first else "No layer gives the text of the end."
    )
    parts += [
        f"{path.word!r} was right until {path.right_until} and is {path.heard_at_end!r} at the end."
        for path in regressive
    ]
    if known and not regressive:
        parts.append("No word was lost on the way.")
    if heard.left_out:
        parts.append(f"{len(heard.left_out)} layers of another shape are left out.")
    return " ".join(parts)


def _text_panel(rows: Sequence[dict[str, Any]], heard: Hearings) -> Panel:
    cells = [[row["layer"], row["text"] or "(nothing)", _percent(row["wer"])] for row in rows]
    cells += [[control.site, control.text or "(nothing)", ""] for control in heard.controls]
    cells += [[name, f"left out: {why}", ""] for name, why in heard.left_out.items()]
    return Panel(
        "table",
        "What had each layer heard?",
        {"columns": ["layer", "heard", "word errors"], "rows": cells},
        "The recogniser's own decoder reads the layer in the place of the last. Where nothing sensible comes out, the "
        "layer may still know the words in a way that the decoder cannot read. The control is the last layer with its "
        "units in random order.",
    )


def _word_panel(paths: Sequence[WordPath], heard: Hearings) -> Panel:
    marks = [
        [path.word, *("●" if layer.site in path.right_at else "·" for layer in heard.layers), path.heard_at_end or "–"]
        for path in paths
    ]
    columns = ["word", *(layer.site for layer in heard.layers), "heard at the end"]
    return Panel(
        "table",
        "From which layer on is each word right?",
        {"columns": columns, "rows": marks},
        "● right at this layer. A word that has a ● and is wrong at the end is a regressive error: it was lost on the "
        "way.",
    )


def _error_panel(rows: Sequence[dict[str, Any]]) -> Panel:
    shown = [row for row in rows if row["wer"] is not None]
    data = {
        "labels": [row["layer"] for row in shown],
        "values": [min(1.0, row["wer"]) for row in shown],
        "y_label": "word error rate",
    }
    return Panel("bars", "Word errors by layer", data, "Capped at 1.")


def _percent(rate: float | None) -> str:
    return "" if rate is None else f"{100 * rate:.0f} %"
