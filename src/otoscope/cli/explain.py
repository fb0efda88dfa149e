"""`otoscope explain FILE`: what was heard and why, as a page and in three lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from otoscope.core import Attribution, BadInput, Explanation, Interrupted
from otoscope.recognizers.registry import DEFAULT

LONGEST_S = 120.0


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command()(explain)


def explain(
    file: Annotated[Path, typer.Argument(help="An audio file.")],
    recognizer: Annotated[str, typer.Option(help="A name from `otoscope recognizers`, or a saved folder.")] = DEFAULT,
    language: Annotated[
        str | None, typer.Option(help="Language that is spoken, for models of several; detected by default.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="transcribe, or translate into English (Whisper).")] = None,
    prompt: Annotated[
        str | None, typer.Option(help="Text as if said before: names, spelling, style (Whisper).")
    ] = None,
    word: Annotated[
        list[str] | None, typer.Option(help="Explain only this word (label or index); may be repeated.")
    ] = None,
    method: Annotated[str, typer.Option(help="leave-one-out, lime, shapley or kernel-shap.")] = "shapley",
    segments: Annotated[str, typer.Option(help="What is taken away: auto, words, phones, frames, …")] = "auto",
    fill: Annotated[str, typer.Option(help="What stands in its place: silence, mean or noise.")] = "silence",
    n_masks: Annotated[
        int | None, typer.Option(help="Masked recordings to score; chosen from the length by default.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    start: Annotated[float, typer.Option(help="Begin at this time, in seconds.")] = 0.0,
    end: Annotated[float | None, typer.Option(help="Stop at this time, in seconds.")] = None,
    output: Annotated[Path | None, typer.Option(help="The page to write; NAME.explain.html by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of three lines.")] = False,
) -> None:
    """Answer three questions about a recording on one page: what was heard, why, and what a person would have heard.

    An interrupted run goes on where it stopped when it is started again.
    """
    from otoscope.cli.inputs import check_writable, read_speech
    from otoscope.cli.opening import open_recognizer
    from otoscope.cli.printing import print_json
    from otoscope.cli.progress import progress_bar
    from otoscope.explainers import explain as run
    from otoscope.io.writing import write_text
    from otoscope.recognizers.journal import Journal
    from otoscope.views.report import report_html

    page = output or Path(f"{file.stem}.explain.html")
    if page.suffix == ".partial":
        raise BadInput(f"--output {page} is where unfinished work is kept; give the page another ending, such as .html")
    check_writable(page)
    remedy = "choose a stretch with --start and --end"
    recording = read_speech(file, longest_s=LONGEST_S, remedy=remedy, start_s=start, end_s=end)
    journal = page.with_suffix(".partial")
    with (
        _resumable(journal),
        Journal(open_recognizer(recognizer, language=language, task=task, prompt=prompt), journal) as engine,
        progress_bar("explaining") as progress,
    ):
        explanation = run(
            engine,
            recording,
            target=_targets(word),
            method=method,
            segments=segments,
            fill=fill,
            n_masks=n_masks,
            seed=seed,
            cells=True,
            progress=progress,
        )
        write_text(page, report_html(explanation, title=_title(file, start, end)))
    if as_json:
        print_json({"page": str(page), "heard": explanation.trace.text, "words": summary_rows(explanation)})
    else:
        print("\n".join(summary_lines(explanation, page)))


def _title(file: Path, start: float, end: float | None) -> str:
    """The file, and where the stretch that is explained begins: times on the page count from there."""
    if start == 0 and end is None:
        return file.name
    return f"{file.name} from {start:g} s" + (f" to {end:g} s" if end is not None else "")


@contextmanager
def _resumable(journal: Path) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        kept = f"the scores so far are kept in {journal}, and the same command goes on from there"
        raise Interrupted(kept if journal.is_dir() else "nothing was computed yet") from None


def _targets(words: list[str] | None) -> list[int | str] | None:
    if not words:
        return None
    return [int(word) if re.fullmatch(r"-?[0-9]+", word) else word for word in dict.fromkeys(words)]


def summary_rows(explanation: Explanation) -> list[dict[str, Any]]:
    """Return one row a word: where it was, which stretch and band mattered most, how sure, and whether to believe it.

    The stretch is the strongest segment; where that lies in the word itself and there is a time-frequency map, the
    strongest cell of that map says which part and band of the word.
    """
    return [
        _summary_row(attribution, explanation.cells[index] if explanation.cells else None)
        for index, attribution in enumerate(explanation)
    ]


def _summary_row(attribution: Attribution, cells: Attribution | None) -> dict[str, Any]:
    word, trust = attribution.target.interval, attribution.trust
    top = attribution.top
    inside = word is not None and top.start_s < word.end_s and top.end_s > word.start_s
    if inside and cells is not None and cells.segments:
        top = cells.top
    return {
        "word": attribution.target.label,
        "start_s": word.start_s if word else None,
        "end_s": word.end_s if word else None,
        "top_start_s": top.start_s,
        "top_end_s": top.end_s,
        "top_low_hz": top.low_hz,
        "top_high_hz": top.high_hz,
        "inside_word": inside,
        "relevance_mass": trust.relevance_mass,
        "chance_mass": trust.chance_mass,
        "passed": trust.passed,
        "failures": list(trust.failures),
    }


def _stretch(row: dict[str, Any]) -> str:
    band = "" if row["top_low_hz"] is None else f" {row['top_low_hz']:.0f}–{row['top_high_hz']:.0f} Hz"
    place = "" if row["inside_word"] else " (outside it)"
    doubt = "" if row["passed"] else " (?)"
    return f"{row['word']} {row['top_start_s']:.2f}–{row['top_end_s']:.2f} s{band}{place}{doubt}"


def summary_lines(explanation: Explanation, page: Path) -> tuple[str, str, str]:
    """Return the three lines: what was heard, which stretch mattered most for each word, where the page is."""
    rows = summary_rows(explanation)
    n_passed = sum(row["passed"] for row in rows)
    doubt = "" if n_passed == len(rows) else "; those marked ? did not"
    return (
        f"heard ({explanation.trace.provenance.recognizer}): {explanation.trace.text or '(no words)'}",
        f"mattered most: {'; '.join(map(_stretch, rows)) or '(nothing to explain)'}",
        f"page: {page} ({n_passed} of {len(rows)} maps passed their checks{doubt})",
    )
