"""`otoscope explain FILE`: what was heard and why, as a page and in three lines."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from otoscope.core import BadInput, Explanation, Finding, Interrupted, Recognizer, Recording, Target, Trace
from otoscope.core.protocols import Progress
from otoscope.explainers.analyses import analysis, subject_of
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
    token: Annotated[
        list[int] | None, typer.Option(help="Explain this token, counted from 0, not the words; may be repeated.")
    ] = None,
    utterance: Annotated[bool, typer.Option("--utterance", help="Explain the whole text, not its words.")] = False,
    rather_than: Annotated[
        str | None, typer.Option(help="Explain why the word (token, text) that is named was heard and not this one.")
    ] = None,
    unit: Annotated[
        str | None, typer.Option(help="Explain a hidden unit at the words' places, as SITE:NUMBER, not the words.")
    ] = None,
    probe: Annotated[
        Path | None,
        typer.Option(help="Explain what this probe reads (a speaker, an intent: LinearProbe.save), not the words."),
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="Which label of --probe to explain; the likeliest by default.")
    ] = None,
    method: Annotated[
        str, typer.Option("--method", "--methods", help="How: a method, several with commas between, or all.")
    ] = "shapley",
    judge: Annotated[
        bool, typer.Option("--judge", help="Rank the methods by their proofs; the page has the maps of the best.")
    ] = False,
    also: Annotated[
        list[str] | None,
        typer.Option(help="Add this analysis of `otoscope analyze list` to the page; may be repeated."),
    ] = None,
    listener: Annotated[
        bool, typer.Option(help="Add what a person would have heard, simulated (English only; see otoscope listen).")
    ] = True,
    segments: Annotated[str, typer.Option(help="What is taken away: auto, words, phones, frames, …")] = "auto",
    fill: Annotated[str, typer.Option(help="What stands in its place: silence, mean or noise.")] = "silence",
    n_masks: Annotated[
        int | None, typer.Option(help="Masked recordings to score; chosen from the length by default.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    start: Annotated[float, typer.Option(help="Begin at this time, in seconds.")] = 0.0,
    end: Annotated[float | None, typer.Option(help="Stop at this time, in seconds.")] = None,
    output: Annotated[Path | None, typer.Option(help="The page to write; NAME.explain.html by default.")] = None,
    export: Annotated[
        Path | None, typer.Option(help="Folder for JSON, CSV, TextGrid, figures and sounds besides.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of three lines.")] = False,
) -> None:
    """Answer three questions about a recording on one page: what was heard, why, and what a person would have heard.

    An interrupted run goes on where it stopped when it is started again.
    """
    from otoscope.cli.explain_summary import is_english, language_advice, summary_lines, summary_rows
    from otoscope.cli.inputs import check_writable, read_speech
    from otoscope.cli.opening import open_recognizer
    from otoscope.cli.printing import print_json
    from otoscope.cli.progress import progress_bar
    from otoscope.io.writing import make_folder, write_text
    from otoscope.recognizers.journal import Journal
    from otoscope.views.export import export_explanation, export_finding
    from otoscope.views.report import report_html

    page = output or Path(f"{file.stem}.explain.html")
    if page.suffix == ".partial":
        raise BadInput(f"--output {page} is where unfinished work is kept; give the page another ending, such as .html")
    check_writable(page)
    if export is not None:
        make_folder(export)
    if sum(map(bool, (word, token, utterance, probe))) > 1 or (probe is not None and unit):
        raise BadInput("give one of --word, --token, --utterance and --probe; and --unit not with --probe")
    if label is not None and probe is None:
        raise BadInput("--label needs --probe")
    which = Asked(tuple(word or ()), rather_than, probe, label, tuple(token or ()), utterance)
    asked = Request(which, _methods(method, judge), tuple(also or ()))
    remedy = "choose a stretch with --start and --end"
    recording = read_speech(file, longest_s=LONGEST_S, remedy=remedy, start_s=start, end_s=end)
    journal = page.with_suffix(".partial")
    how = {"segments": segments, "fill": fill, "n_masks": n_masks, "seed": seed}
    with (
        _resumable(journal),
        Journal(
            of_probe(of_unit(open_recognizer(recognizer, language=language, task=task, prompt=prompt), unit), probe),
            journal,
        ) as engine,
        progress_bar("explaining") as progress,
    ):
        explanation, findings = asked.answered(engine, recording, how, progress)
        ask_person = listener and is_english(explanation.trace, language)
        listening = _heard_by_person(recording, explanation.trace) if ask_person else None
        write_text(
            page, report_html(explanation, title=_title(file, start, end), findings=findings, listening=listening)
        )
    if advice := language_advice(explanation.trace):
        print(advice, file=sys.stderr)
    if export is not None:
        export_explanation(explanation, export, name=file.stem)
        for finding in (*findings, *([listening] if listening else [])):
            export_finding(finding, export)
    if as_json:
        told = {"page": str(page), "heard": explanation.trace.text, "words": summary_rows(explanation)}
        told |= {"findings": [_told(finding) for finding in findings]} if findings else {}
        print_json(told | ({"listener": _told(listening)} if listening else {}))
    else:
        person = [listening.summary.partition(". ")[0] + "."] if listening else []
        more = [f"{f.name}: {f.summary}" for f in findings]
        print("\n".join([*summary_lines(explanation, page), *person, *more]))


def _heard_by_person(recording: Recording, trace: Trace) -> Finding:
    from otoscope.cli.listen import heard_by_listener
    from otoscope.listener.listening import WordListener

    return heard_by_listener(recording, trace, WordListener())


def of_unit(recognizer: Recognizer, unit: str | None) -> Recognizer:
    """Return the recogniser, or the same whose scores are the activation of a unit, SITE:NUMBER."""
    from otoscope.explainers.unit_scores import UnitScores

    if unit is None:
        return recognizer
    site, colon, number = unit.rpartition(":")
    if not colon or not re.fullmatch("[0-9]+", number):
        raise BadInput(f"--unit {unit}: give SITE:NUMBER, such as --unit encoder.0:17")
    return UnitScores(recognizer, site, int(number))


def of_probe(recognizer: Recognizer, probe: Path | None) -> Recognizer:
    """Return the recogniser, or the same whose scores are what a saved probe reads."""
    from otoscope.explainers.probe_scores import LinearProbe, ProbedRecognizer

    return recognizer if probe is None else ProbedRecognizer(recognizer, LinearProbe.load(probe))


@dataclass(frozen=True)
class Asked:
    """What is explained: words, tokens, the whole text, or what a probe reads, against which rival; else all words."""

    words: tuple[str, ...] = ()
    rival: str | None = None
    probe: Path | None = None
    label: str | None = None
    tokens: tuple[int, ...] = ()
    utterance: bool = False

    def __post_init__(self) -> None:
        if self.rival is not None and len(self.words) + len(self.tokens) + self.utterance + bool(self.probe) != 1:
            raise BadInput("--rather-than needs one --word, --token or --utterance that it is compared with")

    def targets(self, engine: Any, recording: Recording, trace: Trace) -> list[Target] | None:
        """Return the targets; `None` for all words heard."""
        chosen = self._named(engine, recording, trace)
        if chosen is None or self.rival is None:
            return chosen
        return [target.rather_than(self.rival) for target in chosen]

    def _named(self, engine: Any, recording: Recording, trace: Trace) -> list[Target] | None:
        if self.probe is not None:
            return [engine.target(recording, self.label)]
        if self.utterance:
            return [Target.utterance(trace.text)] if trace.text else None
        if self.tokens:
            return [trace.token_target(position) for position in dict.fromkeys(self.tokens)]
        words = [int(word) if re.fullmatch(r"-?[0-9]+", word) else word for word in dict.fromkeys(self.words)]
        return [trace.target(word) for word in words] or None


@dataclass(frozen=True)
class Request:
    """What is asked, and how it is answered: by one method, or by several to be ranked, and with further analyses."""

    asked: Asked
    methods: tuple[str, ...]
    also: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in self.also:
            if subject_of(analysis(name)) != "recording":
                raise BadInput(f"analysis {name} needs a corpus: otoscope analyze {name} FOLDER")

    def answered(
        self, engine: Any, recording: Recording, how: dict[str, Any], progress: Progress | None
    ) -> tuple[Explanation, tuple[Finding, ...]]:
        """Return the explanation, and what else was found; the ranking of methods comes first."""
        from otoscope.explainers import explain as run

        trace = engine.trace(recording)
        targets = self.asked.targets(engine, recording, trace)
        seed, findings, method = how["seed"], [], self.methods[0]
        if len(self.methods) > 1 and trace.words:
            from otoscope.explainers.judging import judge

            findings.append(judge(engine, recording, targets, methods=self.methods, seed=seed, progress=progress))
            method = findings[0].table[0]["method"]
        explanation = run(
            engine, recording, target=targets, method=method, cells=True, trace=trace, progress=progress, **how
        )
        for name in self.also:
            known = inspect.signature(analysis(name)).parameters
            common = {key: value for key, value in (("seed", seed), ("progress", progress)) if key in known}
            findings.append(analysis(name)(engine, recording, **common))
        return explanation, tuple(findings)


def _methods(given: str, judge: bool) -> tuple[str, ...]:
    from otoscope.explainers import EXPLAINERS, method

    names = tuple(sorted(EXPLAINERS)) if given == "all" else tuple(dict.fromkeys(given.split(",")))
    for name in names:
        method(name)
    if len(names) > 1 and not judge:
        raise BadInput("several methods were named; add --judge to rank them, or name one")
    if judge and len(names) == 1:
        raise BadInput("--judge compares methods: name several, or --methods all")
    return names


def _told(finding: Finding) -> dict[str, Any]:
    names = ("name", "summary", "table", "failures", "provenance")
    return {name: getattr(finding, name) for name in names}


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
