"""`otoscope listen` on a long recording: heard and told piece by piece, so that memory holds one piece at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otoscope.core import Finding, HeardWord, Interrupted, Recognizer, Recording, Trace
from otoscope.core.protocols import Progress

if TYPE_CHECKING:
    from otoscope.lexicon.ngram.model import NGramModel
    from otoscope.listener.listening import WordListener
    from otoscope.listener.running_pieces import Piece

QUOTED_WORDS = 40


@dataclass(frozen=True)
class Asked:
    """What `otoscope listen` was asked.

    Parameters
    ----------
    recording
        What is to be heard.
    listener
        Who hears it.
    recognizer
        Whose words stand beside, by name; `none`: nobody's.
    ears
        What the listener hears through, by name.
    context
        A context model.
    page
        The page to be written; those of pieces get numbers.
    title
        Of the page.
    export
        A folder for files besides.
    """

    recording: Recording
    listener: WordListener
    recognizer: str
    ears: str
    context: NGramModel | None
    page: Path
    title: str
    export: Path | None


@dataclass
class _Told:
    heard: list[HeardWord] = field(default_factory=list)
    table: list[Mapping[str, Any]] = field(default_factory=list)
    pieces: list[dict[str, Any]] = field(default_factory=list)
    pages: list[Path] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)


def listen_long(
    asked: Asked,
    engine: Recognizer | None,
    through: Callable[[Recording], Trace] | None,
    progress: Progress | None,
) -> dict[str, Any]:
    """Write a page for each piece and the overview; return what is told of all.

    Parameters
    ----------
    asked
        What was asked.
    engine, through
        The recogniser whose words stand beside; what the listener hears through, where not its own ears.
    progress
        Told seconds heard and seconds in all.

    Raises
    ------
    Interrupted
        It was stopped; the pieces that were heard are kept, and the overview tells of them.
    """
    told, duration_s = _Told(), asked.recording.duration_s
    try:
        for piece, finding in _heard(asked, engine, through):
            _keep(asked, told, piece, finding)
            if progress is not None:
                progress(round(piece.end_s), round(duration_s))
    except KeyboardInterrupt:
        if not told.pages:
            raise Interrupted("nothing was heard yet") from None
        _finish(asked, told)
        raise Interrupted(f"the first {told.pieces[-1]['end_s']:.0f} of {duration_s:.0f} s were heard; they are kept "
                          f"in {asked.page}") from None  # fmt: skip
    finding = _finish(asked, told)
    from otoscope.listener.rates import rates_of_words

    return {"page": str(asked.page), "pages": [str(page) for page in told.pages], "summary": finding.summary,
            "rates": rates_of_words(told.heard).as_json(), "pieces": told.pieces, "table": finding.table,
            "provenance": finding.provenance, "failures": finding.failures}  # fmt: skip


def _heard(
    asked: Asked, engine: Recognizer | None, through: Callable[[Recording], Trace] | None
) -> Iterator[tuple[Piece, Finding]]:
    from otoscope.listener import running_pieces
    from otoscope.listener.beside import Expecting, listening_finding, words_said
    from otoscope.views.listening_running import running_panels

    before: tuple[str, ...] = ()
    pieces = running_pieces.pieces_of(
        asked.listener, asked.recording, context=asked.context, through=through, piece_s=running_pieces.PIECE_S
    )
    for piece in pieces:
        stretch = asked.recording.cut(piece.start_s, piece.end_s)
        trace = None if engine is None else engine.trace(stretch)
        finding = listening_finding(
            asked.listener, piece.evidence, piece.speech.percept, trace, start_s=piece.start_s,
            frequency_weight=asked.listener.settings.running_weight,
            expecting=None if asked.context is None else Expecting(asked.context, before),
        )  # fmt: skip
        said = words_said(trace, start_s=piece.start_s)
        panels = running_panels(piece.speech, stretch, said=said, rows=finding.table, start_s=piece.start_s)
        before = (*before, *(word.label for word in piece.speech.percept.heard))[-10:]
        yield piece, replace(finding, panels=panels)


def _keep(asked: Asked, told: _Told, piece: Piece, finding: Finding) -> None:
    from otoscope.io.writing import make_folder, write_text
    from otoscope.views.export import export_finding
    from otoscope.views.findings import findings_html
    from otoscope.views.listening_pieces import clock, piece_row

    k, heard = len(told.pages) + 1, piece.speech.percept.heard
    page = asked.page.with_name(f"{asked.page.stem}-{k:02d}{asked.page.suffix}")
    title = f"{asked.title}, {clock(piece.start_s)} to {clock(piece.end_s)}"
    write_text(page, findings_html([finding], title=title, subtitle=heard_by(asked.recognizer)))
    if asked.export is not None:
        folder = asked.export / f"piece-{k:02d}"
        make_folder(folder)
        export_finding(finding, folder)
    told.heard += heard
    told.table += finding.table
    told.pieces.append(piece_row(finding, heard, (piece.start_s, piece.end_s)))
    told.pages.append(page)
    told.provenance = dict(finding.provenance)


def _finish(asked: Asked, told: _Told) -> Finding:
    """Write the overview."""
    from otoscope.io.writing import write_text
    from otoscope.views.export import export_finding
    from otoscope.views.listening_pieces import overview_html, rates_panel

    until_s = told.pieces[-1]["end_s"]
    finding = Finding("listener", _summary(asked, told), tuple(told.table), (rates_panel(told.heard, until_s),),
                      told.provenance)  # fmt: skip
    names = [page.name for page in told.pages]
    write_text(
        asked.page, overview_html(finding, told.pieces, names, title=asked.title, subtitle=heard_by(asked.recognizer))
    )
    if asked.export is not None:
        export_finding(finding, asked.export)
    return finding


def _summary(asked: Asked, told: _Told) -> str:
    from otoscope.listener.rates import rates_of_words
    from otoscope.views.listening_pieces import clock

    rates, until_s = rates_of_words(told.heard), told.pieces[-1]["end_s"]
    words = [word.label.split("/")[0] for word in told.heard]
    quoted = " ".join(words[:QUOTED_WORDS]) + (" …" if len(words) > QUOTED_WORDS else "")
    text = f"In {clock(until_s)} a listener would have heard {rates.n_words} words" + (
        f": “{quoted}”." if words else "."
    )
    if until_s < asked.recording.duration_s - 1:
        text = f"Stopped at {clock(until_s)} of {clock(asked.recording.duration_s)}. " + text
    if rates.winners_per_s is not None:
        text += (f" {rates.n_decided} were decided, {rates.n_early} before they had ended: {rates.winners_per_s:.1f} "
                 "winners a second.")  # fmt: skip
    compared = [row["why"] for row in told.table if row["why"] is not None]
    if compared:
        text += f" It agrees with the recogniser on {sum(w == 'same' for w in compared)} of {len(compared)} words."
    return text


def heard_by(recognizer: str | None) -> str:
    """Return who heard, as a line under a heading."""
    others = "" if recognizer in (None, "none") else f" and by {recognizer}"
    return f"heard by the listener{others}"
