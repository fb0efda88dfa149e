"""`otoscope fit-listener TRIALS`: the listener's parameters from people's reaction times, with what they are worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otoscope.core import BadInput
from otoscope.core.errors import UnknownName

if TYPE_CHECKING:
    from otoscope.listener.fitting.published import ItemNorms
    from otoscope.listener.fitting.trial_table import TrialTable

FORMATS = ("table", "mald", "baldey", "aelp")


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(name="fit-listener")(fit_listener)


def fit_listener(
    trials: Annotated[Path, typer.Argument(help="Trials: your table, or a file of a database as downloaded.")],
    format: Annotated[str, typer.Option(help="table, mald, baldey or aelp.")] = "table",
    items: Annotated[Path | None, typer.Option(help="MALD's item data, where the responses lack them.")] = None,
    sounds: Annotated[
        Path | None, typer.Option(help="Folder of recordings, ITEM.wav; without, a synthetic voice speaks.")
    ] = None,
    voice: Annotated[str | None, typer.Option(help="The synthetic voice, where there are no recordings.")] = None,
    lexicon: Annotated[
        Path | None, typer.Option(help="The words known: a table of word, phones, frequency per million.")
    ] = None,
    fix: Annotated[list[str] | None, typer.Option(help="NAME=VALUE of a parameter that is known; repeatable.")] = None,
    n_bootstrap: Annotated[int, typer.Option(min=2, help="Resamples of items for the intervals.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Seed of resamples and folds.")] = 0,
    output: Annotated[Path, typer.Option("--output", "-o", help="The JSON; the page stands beside it.")] = Path(
        "fit.json"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Fit λ, κ, θ, β and execution time to reaction times; baseline and ceiling always stand beside."""
    from otoscope.cli.inputs import check_writable
    from otoscope.cli.printing import print_json, print_table
    from otoscope.cli.progress import progress_bar
    from otoscope.io.jsonable import dumps
    from otoscope.io.writing import write_text
    from otoscope.lexicon.mental_lexicon import MentalLexicon
    from otoscope.listener.fitting.trial_table import TrialTable
    from otoscope.listener.fitting.whole import fitted_listener
    from otoscope.listener.fitting.whole_norms import fitted_norms
    from otoscope.listener.listening import WordListener
    from otoscope.views.findings import findings_html

    known = _fixed(fix or [])
    for path in (output, output.with_suffix(".html")):
        check_writable(path)
    data = read_trials(trials, format, items)
    listener = WordListener(None if lexicon is None else MentalLexicon.read(lexicon))
    beside = isinstance(data, TrialTable) and bool(data.sounds)
    folder = trials.parent if sounds is None and beside else sounds
    if sounds is not None and not sounds.is_dir():
        raise BadInput(f"there is no folder of sounds {sounds}")
    with progress_bar("hearing the items") as progress:
        settings: dict[str, Any] = {"sounds": folder, "voice": voice, "fixed": known, "n_bootstrap": n_bootstrap,
                                    "seed": seed, "progress": progress}  # fmt: skip
        record, finding = (
            fitted_listener(data, listener, **settings) if isinstance(data, TrialTable)
            else fitted_norms(data, listener, **settings)
        )  # fmt: skip
    write_text(output, dumps(record))
    page = output.with_suffix(".html")
    write_text(page, findings_html([finding], title="Fit to reaction times", subtitle=trials.name))
    if as_json:
        print_json(record)
        return
    rows = record["parameters"]
    print_table(list(rows[0]), [[_cell(value) for value in row.values()] for row in rows])
    print(finding.summary)
    about = record["provenance"]
    if "trials_read" in about:
        print(f"{about['trials']} of {about['trials_read']} trials count: words answered rightly within 0.2 to 4 s and "
              f"heard; {about['without_time']} had no time")  # fmt: skip
    for line in finding.failures:
        print(line)
    print(f"fit: {output}\npage: {page}")


def read_trials(path: Path, format: str, items: Path | None) -> TrialTable | ItemNorms:
    """Read trials, or the norms of items that AELP has, in any of the formats."""
    from otoscope.listener.fitting.published import read_aelp, read_baldey, read_mald
    from otoscope.listener.fitting.trial_table import TrialTable, read_trial_table

    if format not in FORMATS:
        raise UnknownName("format of trials", format, FORMATS)
    if not path.is_file():
        raise BadInput(f"there is no file {path}")
    if items is not None and format != "mald":
        raise BadInput("--items is for MALD's item data only")
    if format == "table":
        return read_trial_table(path)
    if format == "aelp":
        return read_aelp(path)
    return TrialTable(read_mald(path, items) if format == "mald" else read_baldey(path), {}, {})


def _fixed(given: list[str]) -> dict[str, float]:
    from otoscope.listener.fitting.fit import BOUNDS

    found: dict[str, float] = {}
    names = [name for name in BOUNDS if name != "per_second"]
    for one in given:
        name, _, value = one.partition("=")
        if name not in names:
            raise UnknownName("parameter", name, names)
        try:
            found[name] = float(value)
        except ValueError:
            raise BadInput(f"--fix {one}: {value!r} is no number") from None
        if not found[name] > 0:
            raise BadInput(f"--fix {one}: it must be above 0")
    return found


def _cell(value: Any) -> str:
    return "–" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
