"""`otoscope diagnose CORPUS`: every word error with its sound, its phones, its layer and its cause, on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otoscope.cli.analyze import analyze
from otoscope.recognizers.registry import DEFAULT


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command()(diagnose)


def diagnose(
    corpus: Annotated[Path, typer.Argument(help="Folder of a corpus with texts, of any kind that can be read.")],
    recognizer: Annotated[str, typer.Option(help="A name from `otoscope recognizers`, or a saved folder.")] = DEFAULT,
    split: Annotated[str | None, typer.Option(help="Which split.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many utterances.")] = None,
    layers: Annotated[bool, typer.Option(help="Ask which layer still had it right, where layers can be read.")] = True,
    noise: Annotated[bool, typer.Option(help="Ask at which noise the recogniser would change its mind.")] = True,
    examples: Annotated[int, typer.Option(min=0, help="Examples of each cause to play.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    output: Annotated[Path | None, typer.Option(help="The page to write; CORPUS.diagnosis.html by default.")] = None,
    export: Annotated[Path | None, typer.Option(help="Folder for JSON, CSV, figures and sounds besides.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the summary.")] = False,
) -> None:
    """Sort the word errors of a corpus: acoustic, pronunciation, language model, search or vocabulary."""
    analyze(
        "diagnosis",
        corpus,
        recognizer=recognizer,
        parameter=[f"layers={str(layers).lower()}", f"noise={str(noise).lower()}", f"examples={examples}"],
        split=split,
        limit=limit,
        seed=seed,
        output=output,
        export=export,
        as_json=as_json,
    )
