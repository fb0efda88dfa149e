"""`otoscope recognizers`: what can be used now, what it needs, and how to get it."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command()(recognizers)


def recognizers(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the recognisers: what can be used now, what each needs, and how to get it."""
    from otoscope.cli.printing import print_json, print_table
    from otoscope.recognizers import recognizers as known

    rows = known()
    if as_json:
        print_json(rows)
        return
    print_table(
        ["name", "ready", "family", "since", "what it is", "needs", "how to get it"],
        [
            [r.name, "yes" if r.ready else "no", r.family, str(r.year), r.description, r.needs, r.how_to_get]
            for r in rows
        ],
    )
