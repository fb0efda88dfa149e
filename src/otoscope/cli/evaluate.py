"""`otoscope evaluate RECOGNIZER --corpus DIR`: error rates, time, memory and delays of one recogniser on a corpus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otoscope.core import Interrupted

if TYPE_CHECKING:
    from otoscope.recognizers.evaluation.result import Evaluation


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command()(evaluate)


def evaluate(
    recognizer: Annotated[
        str, typer.Argument(help="A name from `otoscope recognizers`, a saved folder, or NAME{JSON parameters}.")
    ],
    corpus: Annotated[Path, typer.Option(help="Folder of any kind that `otoscope corpus` reads.")],
    split: Annotated[str | None, typer.Option(help="Only this split; all by default.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", "--n", min=1, help="At most so many utterances.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the choice of utterances and of the bootstrap.")] = 0,
    processes: Annotated[
        int | None, typer.Option(min=1, help="How many hear at the same time; one by default.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to keep every answer in, and the result as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Measure errors, time, memory and delays of a recogniser on a corpus, as a whole and by its parts.

    An interrupted run goes on where it stopped when it is started again.
    """
    from otoscope.cli.printing import print_json
    from otoscope.cli.progress import progress_bar
    from otoscope.io.jsonable import dumps
    from otoscope.io.writing import write_text
    from otoscope.recognizers.evaluation import evaluate as run
    from otoscope.recognizers.evaluation.store import Store

    folder = out or partial_folder("evaluate", corpus, split, recognizer)
    try:
        with progress_bar("hearing") as progress:
            result = run(
                recognizer,
                corpus,
                split=split,
                limit=limit,
                seed=seed,
                processes=processes,
                out=folder,
                progress=progress,
            )
    except KeyboardInterrupt:
        raise Interrupted(f"what was heard is kept in {folder}, and the same command goes on from there") from None
    if out is None:
        Store(folder).clear()
    else:
        write_text(folder / "evaluation.json", dumps(result.as_json()))
    if as_json:
        print_json(result.as_json())
    else:
        print_evaluation(result)


def partial_folder(verb: str, corpus: Path, split: str | None, recognizers: str) -> Path:
    """Return where unfinished work is kept when no folder was named: beside where the command runs."""
    import hashlib

    asked = hashlib.sha256(f"{corpus.absolute()}\n{split}\n{recognizers}".encode()).hexdigest()[:8]
    return Path(f"{verb}-{corpus.absolute().name}-{asked}.partial")


def print_evaluation(result: Evaluation) -> None:
    """Print an evaluation as tables."""
    from otoscope.cli.printing import print_table

    facts, *_, worst = result.panels
    print(facts.title)
    print_table(["what", "value"], [list(pair) for pair in facts.data["facts"]])
    for kind, title in (("by_snr", "estimated SNR"), ("by_duration", "duration"), ("by_speaker", "speaker")):
        rows = [
            [
                part.name,
                str(part.n_utterances),
                str(part.n_words),
                percent(part.wer),
                f"{percent(part.low)} to {percent(part.high)}",
            ]
            for part in result.parts[kind]
        ]
        print_table([title, "utterances", "words", "WER", "95 % interval"], rows)
    if worst.data["rows"]:
        print_table(worst.data["columns"], [[str(cell) for cell in row] for row in worst.data["rows"]])
    print(result.summary)


def percent(share: float | None) -> str:
    """Return a share in percent, a dash for none."""
    return "–" if share is None else f"{100 * share:.1f} %"
