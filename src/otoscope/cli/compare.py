"""`otoscope compare A B C --corpus DIR`: recognisers side by side, tests of their differences, and the words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otoscope.core import Interrupted

if TYPE_CHECKING:
    from otoscope.recognizers.evaluation.comparison import Comparison


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command()(compare)


def compare(
    recognizers: Annotated[
        list[str], typer.Argument(help="Two or more: names, saved folders, or NAME{JSON parameters}.")
    ],
    corpus: Annotated[Path, typer.Option(help="Folder of any kind that `otoscope corpus` reads.")],
    split: Annotated[str | None, typer.Option(help="Only this split; all by default.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", "--n", min=1, help="At most so many utterances.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the choice of utterances and of the bootstrap.")] = 0,
    processes: Annotated[
        int | None, typer.Option(min=1, help="How many hear at the same time; one by default.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to keep every answer in, and the result as JSON.")] = None,
    html: Annotated[Path | None, typer.Option(help="Page to write: tables, picture, and the words with sound.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Compare recognisers on one corpus: a table, a test of every pair, and where they differ, the words.

    An interrupted run goes on where it stopped when it is started again.
    """
    from otoscope.cli.evaluate import partial_folder
    from otoscope.cli.inputs import check_writable
    from otoscope.cli.printing import print_json
    from otoscope.cli.progress import progress_bar
    from otoscope.io.jsonable import dumps
    from otoscope.io.writing import write_text
    from otoscope.recognizers.evaluation import compare as run
    from otoscope.views.comparison import comparison_html

    if html is not None:
        check_writable(html)
    folder = out or partial_folder("compare", corpus, split, "\n".join(recognizers))
    try:
        with progress_bar("hearing") as progress:
            result = run(
                recognizers,
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
    if html is not None:
        write_text(html, comparison_html(result))
    if out is None:
        _clear(folder, recognizers)
    else:
        write_text(folder / "comparison.json", dumps(result.as_json()))
    if as_json:
        print_json(result.as_json())
    else:
        print_comparison(result)
        if html is not None:
            print(f"page: {html}")


def _clear(folder: Path, recognizers: list[str]) -> None:
    import contextlib

    from otoscope.recognizers.evaluation.comparing import folder_name
    from otoscope.recognizers.evaluation.store import Store

    for number, recognizer in enumerate(recognizers):
        Store(folder / folder_name(number, recognizer)).clear()
    with contextlib.suppress(OSError):  # somebody else keeps something there
        folder.rmdir()


def print_comparison(result: Comparison) -> None:
    """Print a comparison as tables."""
    from otoscope.cli.evaluate import percent
    from otoscope.cli.printing import print_table

    rows = [
        [
            row["recognizer"],
            percent(row["wer"]),
            f"{percent(row['low'])} to {percent(row['high'])}",
            *(str(row[kind]) for kind in ("substitutions", "deletions", "insertions")),
            percent(row["cer"]),
            f"{row['rtf']:.3f}",
            f"{row['peak_memory_mb']:.0f} MB",
        ]
        for row in result.table
    ]
    header = ["recognizer", "WER", "95 % interval", "subst.", "del.", "ins.", "CER", "real time", "memory"]
    print_table(header, rows)
    pairs = [
        [
            pair.a,
            pair.b,
            " ".join(map(percent, (pair.difference.difference, pair.difference.low, pair.difference.high))),
            f"{pair.test.statistic:.2f} in {pair.test.n_segments}",
            f"{pair.p_corrected:.2g}",
            pair.better or "not told apart",
        ]
        for pair in result.pairs
    ]
    print_table(["A", "B", "WER A − B, low, high", "W in n segments", "p (Holm)", "fewer errors"], pairs)
    n_words = sum(one.n_different for one in result.differences)
    print(f"They differ in {n_words} places of {len(result.differences)} utterances.")
    print(result.summary)
