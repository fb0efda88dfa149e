"""`otoscope selftest`: answers known in advance, checked on this machine."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command()(selftest)


def selftest(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Check answers known in advance on this machine, in under a minute; exit code 1 if one is wrong."""
    from otoscope.cli.printing import print_json, print_table
    from otoscope.cli.progress import progress_bar
    from otoscope.studies import selftest as run

    with progress_bar("checking") as progress:
        result = run(progress=progress)
    if as_json:
        print_json(result)
    else:
        rows = [[str(value) for value in row.values()] for row in result.table]
        print_table(list(result.table[0]), rows)
        print(result.summary)
    if not all(row["passed"] for row in result.table):
        raise typer.Exit(1)
