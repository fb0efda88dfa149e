"""`otoscope train PRESET`: train a recogniser of any family into a folder; an interrupted run goes on there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from otoscope.core.errors import BadInput

if TYPE_CHECKING:
    from otoscope.core import Recognizer
    from otoscope.core.protocols import Aligning, Progress


EARS = "listener-en"
"""The listener's front end, no recogniser: its corpus is the folder of all corpora that it learns from."""


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command()(train)


def train(
    preset: Annotated[
        str, typer.Argument(help="Which recogniser; `otoscope train list` names them all. Or listener-en.")
    ],
    options: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="Options of the preset, as name=value.")
    ] = None,
    corpus: Annotated[
        list[Path] | None, typer.Option(help="Folder of recordings and texts, with a split 'train'; may be repeated.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run; what is there already goes on.")] = None,
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="FOLDER", help="Model to train further: its folder, or its name in the store."),
    ] = None,
    valid_split: Annotated[str, typer.Option(help="Held-out split to choose the weights by, or 'none'.")] = "valid",
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the data; the preset's own by default.")
    ] = None,
    tensorboard: Annotated[bool, typer.Option(help="Write TensorBoard event files into the folder.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a sentence.")] = False,
) -> None:
    """Train a recogniser; everything needed to repeat the run is kept in its folder."""
    from otoscope.recognizers.training import train as run

    if preset == "list":
        _list(as_json)
        return
    if not corpus:
        raise BadInput("--corpus is missing: name the folder of recordings to learn from")
    if out is None:
        raise BadInput("--out is missing: name the folder that the recogniser goes to")
    chosen = read_options(options or ())
    if epochs is not None:
        chosen["epochs"] = epochs
    if start is not None:
        chosen["start"] = start
    from otoscope.cli.training_progress import leads, training_bar

    if preset == EARS:
        with training_bar(preset) as progress:
            _make_ears(corpus, out, seed=seed, progress=progress, as_json=as_json, options=chosen)
        return
    with training_bar(preset) as progress:
        recognizer = run(
            preset,
            corpus,
            out=out,
            valid_split=valid_split,
            seed=seed,
            tensorboard=tensorboard,
            progress=progress,
            **chosen,
        )
    if leads():
        _tell(recognizer, out, as_json=as_json)


def _make_ears(
    corpus: list[Path], out: Path, *, seed: int, progress: Progress | None, as_json: bool, options: dict[str, Any]
) -> None:
    from otoscope.cli.printing import print_json
    from otoscope.listener.ears.making import make
    from otoscope.recognizers import load

    if len(corpus) > 1:
        raise BadInput(f"{EARS} learns from one folder that holds all its corpora, got {len(corpus)}")
    aligner = cast("Aligning", load("otoscope-en"))
    ears = make(corpus[0], out, aligner=aligner, seed=seed, progress=progress, **options)
    if as_json:
        print_json({"preset": EARS, "out": str(out), "weights_sha256": ears.sha256, **ears.card.training})
    else:
        print(f"{EARS}: in {out}; open it with otoscope.listener.ears.ears.Ears.load, or name it to --ears")


def read_options(pairs: list[str] | tuple[str, ...]) -> dict[str, Any]:
    """Read `name=value` pairs: a value is a number, true, false, null, a list in JSON, or else a word.

    Raises
    ------
    BadInput
        A pair has no `=`, or a name stands twice.

    Examples
    --------
    >>> read_options(["n_units=128", "schedule=noam", "rate=1e-3", "causal=true"])
    {'n_units': 128, 'schedule': 'noam', 'rate': 0.001, 'causal': True}
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name.isidentifier():
            raise BadInput(f"{pair!r} is no option: write name=value")
        if name in found:
            raise BadInput(f"option {name!r} stands twice")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _list(as_json: bool) -> None:
    from otoscope.cli.printing import print_json, print_table
    from otoscope.recognizers.trainers import trainers

    known = trainers()
    if as_json:
        print_json(known)
        return
    rows = [[i.name, str(i.year or ""), i.family, "yes" if i.ready else "no", i.description] for i in known]
    print_table(["preset", "year", "family", "ready", "what it is"], rows)


def _tell(recognizer: Recognizer, out: Path, *, as_json: bool) -> None:
    from otoscope.cli.printing import print_json

    description = json.loads((out / "run.json").read_text(encoding="utf-8"))
    del description["before"]
    if as_json:
        print_json({**description, "out": str(out), "recognizer": recognizer.name})
        return
    learnt = description["train"]
    print(
        f"{description['preset']}: learnt from {learnt['n_utterances']} utterances, {learnt['hours']:.2f} h; in {out}"
    )
    print(f"use it: otoscope transcribe FILE --recognizer {out}")
