"""`otoscope study NAME`: run a named, reproducible experiment; print its table, save its picture and JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from otoscope.core import BadInput


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command()(study)


def study(
    name: Annotated[str, typer.Argument(help="Which study; `otoscope study list` tells all of them.")],
    corpus: Annotated[
        Path | None, typer.Option(help="Folder with a manifest.tsv, for the studies that need one.")
    ] = None,
    recognizers: Annotated[
        str | None, typer.Option(help="Names or folders with commas between, for the studies that take some.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Which split, for the studies that take one.")] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE of another parameter of the study; may be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for the page, pictures, the JSON, and what an interrupted study goes on from."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Run a named, reproducible experiment and print its table; every figure in docs/results.md comes from one."""
    from otoscope.cli.parameters import read_parameters
    from otoscope.cli.printing import print_json, print_table
    from otoscope.cli.progress import progress_bar
    from otoscope.studies import STUDIES
    from otoscope.studies import study as run

    if name == "list":
        names = sorted(STUDIES)
        if as_json:
            print_json(names)
        else:
            print_table(["study", "what it takes", "what it asks"], [_described(known) for known in names])
        return
    if output is not None and output.exists() and not output.is_dir():
        raise BadInput(f"--output {output} is a file; name a folder")
    named = {"corpus": corpus, "recognizers": recognizers, "split": split}
    parameters = {key: value for key, value in named.items() if value is not None} | read_parameters(
        parameter or [], of="study"
    )
    if "out" not in parameters and _takes(name, "out"):
        parameters["out"] = Path(f"study-{name}") if output is None else output / "kept"
    with progress_bar(name) as progress:
        result = run(name, seed=seed, progress=progress, **parameters)
    page = None if output is None else _save(result, output)
    if as_json:
        print_json(result)
        return
    print_table(list(result.table[0]), [[_cell(value) for value in row.values()] for row in result.table])
    print(result.summary)
    if page is not None:
        print(f"page: {page}")


def _run(name: str) -> Any:
    from otoscope.core.late import lookup
    from otoscope.studies import STUDIES

    return lookup(name, STUDIES, group="otoscope.studies", what="study")


def _takes(name: str, parameter: str) -> bool:
    """Whether a study takes a parameter."""
    import inspect

    return parameter in inspect.signature(_run(name)).parameters


def _described(name: str) -> list[str]:
    """Return a study's name, its parameters that a user may set, and the first line of its description."""
    import inspect

    run = _run(name)
    plain = {key: each for key, each in inspect.signature(run).parameters.items() if key not in ("progress", "trainer")}
    line = (inspect.getdoc(run) or "").partition("\n")[0]
    return [name, ", ".join(plain), line]


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _save(result: Any, folder: Path) -> Path:
    """Write JSON, pictures and the page, and return where that is."""
    from otoscope.io.jsonable import dumps
    from otoscope.io.writing import make_folder, write_text
    from otoscope.views.figures import figure, save_figure
    from otoscope.views.studies import study_html

    make_folder(folder)
    write_text(folder / f"{result.name}.json", dumps(result))
    for index, panel in enumerate(result.panels, start=1):
        save_figure(figure(panel), folder / f"{result.name}-{index}.svg")
    page = folder / "index.html"
    write_text(page, study_html(result))
    return page
