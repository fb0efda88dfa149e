"""`otoscope experiment NAME [ITEMS]`: an experiment of listening with your items or drawn ones; table in, table out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otoscope.core import BadInput

if TYPE_CHECKING:
    from otoscope.listener.experiments.designs import Experiment
    from otoscope.listener.experiments.plans import Plan
    from otoscope.listener.listening import WordListener


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command()(experiment)


def experiment(
    name: Annotated[str | None, typer.Argument(help="Which experiment; --list tells all of them.")] = None,
    items: Annotated[
        Path | None, typer.Argument(help="Your items, a CSV or TSV; without, items are drawn from the lexicon.")
    ] = None,
    sounds: Annotated[
        Path | None, typer.Option(help="Folder of your recordings; that of the table by default.")
    ] = None,
    voices: Annotated[
        str | None, typer.Option(help="Synthetic voices with commas between, for items without a recording.")
    ] = None,
    lexicon: Annotated[
        Path | None, typer.Option(help="The words known: a table of word, phones, frequency per million.")
    ] = None,
    n_items: Annotated[int, typer.Option(min=2, help="How many items are drawn where you give none.")] = 12,
    gate_ms: Annotated[float, typer.Option(help="Step of gating, milliseconds.")] = 50.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder of the page and tables; experiment-NAME by default.")
    ] = None,
    list_all: Annotated[bool, typer.Option("--list", help="Tell the experiments and the columns they need.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Run an experiment of listening: trials, means by condition with intervals, and a page with the picture."""
    from otoscope.cli.printing import print_json, print_table
    from otoscope.cli.progress import progress_bar
    from otoscope.listener.experiments.booth import VOICES, Booth
    from otoscope.listener.experiments.designs import experiment_named
    from otoscope.listener.experiments.running import run_experiment, setup_of
    from otoscope.listener.experiments.summaries import experiment_finding, summarised
    from otoscope.views.experiments import write_experiment

    if list_all or name is None:
        _tell_all(as_json=as_json)
        return
    chosen = experiment_named(name)
    if not 10 <= gate_ms <= 1000:
        raise BadInput(f"--gate-ms lies between 10 and 1000, got {gate_ms:g}")
    speaking = tuple(part.strip() for part in voices.split(",") if part.strip()) if voices is not None else VOICES
    _check_voices(speaking)
    folder = output or Path(f"experiment-{name}")
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"--output {folder} is a file; name a folder")
    plans, listener = _items(chosen, items, sounds, lexicon, n_items, seed)
    booth = Booth(listener, speaking, seed, gate_ms / 1000)
    with progress_bar(name) as progress:
        outcome = run_experiment(chosen, booth, plans, folder, progress=progress)
    means = summarised(chosen, outcome.trials, seed=seed)
    finding = experiment_finding(chosen, outcome.trials, outcome.left_out, setup_of(chosen, booth, plans), seed=seed)
    paths = write_experiment(folder, finding, outcome.trials, means, [dict(plan.fields) for plan in plans])
    if as_json:
        print_json({"summary": finding.summary, "means": means, "trials": list(outcome.trials),
                    "left_out": list(outcome.left_out), "page": str(paths["index.html"])})  # fmt: skip
        return
    print_table(list(means[0]), [[_cell(value) for value in row.values()] for row in means])
    print(finding.summary)
    for line in outcome.left_out:
        print(f"left out: {line}")
    print(f"page: {paths['index.html']}")
    print(f"tables: {paths['trials.csv']}, {paths['summary.csv']}")


def _items(
    chosen: Experiment, items: Path | None, sounds: Path | None, lexicon: Path | None, n_items: int, seed: int
) -> tuple[tuple[Plan, ...], WordListener]:
    """Return what is to be heard and a listener who knows its words."""
    from otoscope.lexicon.mental_lexicon import MentalLexicon
    from otoscope.listener.experiments.plans import checked, plans_from, read_plans
    from otoscope.listener.listening import WordListener

    if items is None and sounds is not None:
        raise BadInput("--sounds needs an item table that says what is said in them")
    if items is not None and not items.is_file():
        raise BadInput(f"there is no file {items}")
    plans = () if items is None else read_plans(items, chosen.needs, sounds=sounds)
    words = MentalLexicon.english() if lexicon is None else MentalLexicon.read(lexicon)
    if items is None:
        plans = plans_from(chosen.default_items()(words, n_items, seed))
    return plans, WordListener(checked(plans, words, may_be_new=chosen.name != "mispronunciation"))


def _check_voices(voices: tuple[str, ...]) -> None:
    from otoscope.signal.synthesis import voice_identifier

    if not voices:
        raise BadInput("--voices names no voice")
    for voice in voices:
        voice_identifier(voice)


def _tell_all(*, as_json: bool) -> None:
    from otoscope.cli.printing import print_json, print_table
    from otoscope.listener.experiments.designs import COMMON, EXPERIMENTS

    rows = [
        {"experiment": one.name, "asks": one.asks, "needs": list(one.needs), "may have": list(one.takes)}
        for one in EXPERIMENTS.values()
    ]
    if as_json:
        print_json({"experiments": rows, "common_columns": list(COMMON)})
        return
    print_table(list(rows[0]), [[_cell(value) for value in row.values()] for row in rows])
    print(f"Every table may have: {', '.join(COMMON)}")


def _cell(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "–"
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
