"""`otoscope listen FILE`: what a person would have heard, word against word, every ten milliseconds, as a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otoscope.cli.listen_long import Asked, heard_by, listen_long
from otoscope.core import BadInput, Finding, Recording, Trace
from otoscope.recognizers.registry import DEFAULT

if TYPE_CHECKING:
    from otoscope.lexicon.mental_lexicon import MentalLexicon
    from otoscope.lexicon.ngram.model import NGramModel
    from otoscope.listener.listening import WordListener
    from otoscope.listener.rates import Rates

AT_ONCE_S = 120.0
"""What is heard at once and told on one page; longer recordings are heard piece by piece."""
LONGEST_S = 7200.0
"""Two hours of samples, as they are read, are what memory is asked to hold."""
LETTERS_FROM_S = 0.5
"""How much is heard to learn whether a recogniser has phones or letters."""
BORROWED_WEIGHT = 0.4
"""λ where the listener hears through a recogniser: chosen for otoscope-en on valid speech, whose scores are flatter."""
ALONE_S = 1.2
"""Speech up to so many seconds is taken for one word, unless it is told."""


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command()(listen)


def listen(
    file: Annotated[Path, typer.Argument(help="An audio file.")],
    recognizer: Annotated[
        str, typer.Option(help="Whose words stand beside the listener's: a name, a saved folder, or none.")
    ] = DEFAULT,
    ears: Annotated[
        str,
        typer.Option(
            help="What the listener hears through: listener-en, a folder, or a recogniser with phones or letters."
        ),
    ] = "listener-en",
    lexicon: Annotated[
        Path | None, typer.Option(help="The words known: a table of word, phones, frequency per million.")
    ] = None,
    alone: Annotated[
        bool | None, typer.Option("--alone/--running", help="One word, or running speech; told by its length.")
    ] = None,
    frequency_weight: Annotated[float | None, typer.Option(help="λ: what word frequency counts.")] = None,
    context_model: Annotated[
        Path | None, typer.Option(help="An n-gram model (ARPA or `otoscope lm`): which word is said after which.")
    ] = None,
    start: Annotated[float, typer.Option(help="Begin at this time, in seconds.")] = 0.0,
    end: Annotated[float | None, typer.Option(help="Stop at this time, in seconds.")] = None,
    output: Annotated[Path | None, typer.Option(help="The page to write; NAME.listen.html by default.")] = None,
    export: Annotated[Path | None, typer.Option(help="Folder for JSON, CSV and figures besides.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the summary.")] = False,
) -> None:
    """Let sixty thousand words compete for a recording, and set the winners beside what a recogniser wrote.

    More than two minutes are heard piece by piece: a page for each minute or so, and one that leads to them.
    """
    from otoscope.cli.inputs import check_writable, read_speech
    from otoscope.cli.printing import print_json
    from otoscope.io.writing import make_folder
    from otoscope.lexicon.ngram.files import read_model

    page = output or Path(f"{file.stem}.listen.html")
    check_writable(page)
    if export is not None:
        make_folder(export)
    recording = read_speech(file, longest_s=LONGEST_S, remedy="cut the file into shorter ones",
                            start_s=start, end_s=end)  # fmt: skip
    if alone and recording.duration_s > AT_ONCE_S:
        raise BadInput(f"one word said alone lasts no {recording.duration_s:.0f} s; choose a stretch with --start and "
                       "--end, or leave --alone out")  # fmt: skip
    context = None if context_model is None else read_model(context_model)
    listener = _listener(lexicon, frequency_weight, ears, recording)
    asked = Asked(recording, listener, recognizer, ears, context, page, file.name, export)
    told = _in_pieces(asked) if recording.duration_s > AT_ONCE_S else _at_once(asked, alone)
    if as_json:
        print_json(told)
        return
    print(told["summary"])
    print(f"page: {page}" + (f", and {len(told['pages'])} more that it leads to" if "pages" in told else ""))


def _at_once(asked: Asked, alone: bool | None) -> dict[str, Any]:
    from otoscope.cli.opening import open_recognizer
    from otoscope.io.writing import write_text
    from otoscope.views.export import export_finding
    from otoscope.views.findings import findings_html

    trace = None if asked.recognizer == "none" else open_recognizer(asked.recognizer).trace(asked.recording)
    finding, rates = _heard(asked.recording, trace, asked.listener, ears=asked.ears, alone=alone, context=asked.context)
    subtitle = heard_by(None if trace is None else trace.provenance.recognizer)
    write_text(asked.page, findings_html([finding], title=asked.title, subtitle=subtitle))
    if asked.export is not None:
        export_finding(finding, asked.export)
    return {"page": str(asked.page), "summary": finding.summary, "rates": rates.as_json(), "table": finding.table,
            "provenance": finding.provenance, "failures": finding.failures}  # fmt: skip


def _in_pieces(asked: Asked) -> dict[str, Any]:
    from otoscope.cli.opening import open_recognizer
    from otoscope.cli.progress import progress_bar

    engine = None if asked.recognizer == "none" else open_recognizer(asked.recognizer)
    other = None if _are_own(asked.ears) else open_recognizer(asked.ears)
    through = None if other is None else lambda stretch: other.trace(stretch, record=["emissions"])
    with progress_bar("listening") as progress:
        return listen_long(asked, engine, through, progress)


def heard_by_listener(
    recording: Recording,
    trace: Trace | None,
    listener: WordListener,
    *,
    ears: str = "listener-en",
    alone: bool | None = None,
    context: NGramModel | None = None,
) -> Finding:
    """Return what the listener makes of a recording, with its pictures, beside the words of a Trace."""
    return _heard(recording, trace, listener, ears=ears, alone=alone, context=context)[0]


def _heard(
    recording: Recording,
    trace: Trace | None,
    listener: WordListener,
    *,
    ears: str,
    alone: bool | None,
    context: NGramModel | None,
) -> tuple[Finding, Rates]:
    from dataclasses import replace

    from otoscope.listener.beside import Expecting, listening_finding
    from otoscope.listener.rates import rates_of
    from otoscope.listener.running_speech import hear_running
    from otoscope.listener.spans import speech_span
    from otoscope.views.listening import differing_panels, listening_panels
    from otoscope.views.listening_running import running_panels

    evidence = listener.evidence(_heard_through(recording, ears))
    span = speech_span(evidence)
    if alone is None:
        alone = span is not None and span[1] - span[0] <= ALONE_S
    said = trace.words if trace is not None and trace.has("alignment") else None
    if not alone:
        speech = hear_running(listener, evidence, context=context)
        weight = listener.settings.running_weight
        expecting = None if context is None else Expecting(context)
        finding = listening_finding(
            listener, evidence, speech.percept, trace, frequency_weight=weight, expecting=expecting
        )
        panels = running_panels(speech, recording, said=said, rows=finding.table)
        return replace(finding, panels=panels), rates_of(speech.percept)
    percept = listener(evidence)
    finding = listening_finding(listener, evidence, percept, trace)
    panels = (*listening_panels(percept, recording, said=said or ()), *differing_panels(finding.table, said))
    if percept.heard:
        panels = (*panels, *listener.shares(evidence, offset_s=percept.offset_s).finding().panels)
    return replace(finding, panels=panels), rates_of(percept)


def _are_own(ears: str) -> bool:
    return ears == "listener-en" or (Path(ears) / "ears.json").is_file()


def _heard_through(recording: Recording, ears: str) -> Recording | Trace:
    if _are_own(ears):
        return recording
    from otoscope.cli.opening import open_recognizer

    return open_recognizer(ears).trace(recording, record=["emissions"])


def _listener(lexicon: Path | None, frequency_weight: float | None, ears: str, recording: Recording) -> WordListener:
    import dataclasses

    from otoscope.listener.ears.ears import Ears
    from otoscope.listener.listening import Settings, WordListener

    settings = Settings()
    if frequency_weight is None and not _are_own(ears):
        frequency_weight = BORROWED_WEIGHT
    if frequency_weight is not None:
        if not 0 <= frequency_weight <= 100:
            raise BadInput(f"--frequency-weight lies between 0 and 100, got {frequency_weight:g}")
        settings = dataclasses.replace(settings, frequency_weight=frequency_weight, running_weight=frequency_weight)
    words = _words(lexicon, ears, recording)
    return WordListener(words, ears=Ears.load(ears) if _are_own(ears) else None, settings=settings)


def _words(lexicon: Path | None, ears: str, recording: Recording) -> MentalLexicon | None:
    """Return the words of a table, English ones as they are written where letters are heard, else `None`: English."""
    from otoscope.lexicon.mental_lexicon import MentalLexicon
    from otoscope.lexicon.spelled import spelled
    from otoscope.listener.evidence import evidence_from

    if lexicon is not None:
        return MentalLexicon.read(lexicon)
    if _are_own(ears):
        return None
    beginning = recording.cut(0.0, min(LETTERS_FROM_S, recording.duration_s))
    heard = _heard_through(beginning, ears)
    assert isinstance(heard, Trace)
    evidence = evidence_from(heard)
    return spelled(MentalLexicon.english(), evidence.phones) if evidence.kind == "ctc letters" else None
