"""`otoscope teach-probe CORPUS -o FILE`: a linear probe of a layer, for `otoscope explain --probe`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otoscope.core import BadInput
from otoscope.recognizers.registry import DEFAULT

if TYPE_CHECKING:
    from otoscope.corpora.utterance import Utterance

EVERY = 4
"""One utterance of so many of each label is held out, where no split is named for that."""


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("teach-probe")(teach_probe)


def teach_probe(
    corpus: Annotated[Path, typer.Argument(help="Folder of a corpus.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The probe to write, such as speaker.probe.json.")],
    label: Annotated[
        str, typer.Option(help="What is read: speaker, text, or a column of a table of the corpus.")
    ] = "speaker",
    labels: Annotated[Path | None, typer.Option(help="A table with columns id and label, in place of --label.")] = None,
    recognizer: Annotated[str, typer.Option(help="A name from `otoscope recognizers`, or a saved folder.")] = DEFAULT,
    site: Annotated[str | None, typer.Option(help="Which layer; the last by default.")] = None,
    split: Annotated[str | None, typer.Option(help="Which split is taught; all by default.")] = None,
    held_out: Annotated[
        str | None, typer.Option(help="Which split judges the probe; by default every fourth utterance of a label.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many utterances are taught.")] = None,
    strength: Annotated[float, typer.Option(help="1 over the ridge of the logistic regression.")] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the summary.")] = False,
) -> None:
    """Teach a linear probe to tell speakers, intents or any label apart in a layer, and judge it on other speech."""
    from otoscope.cli.inputs import check_writable
    from otoscope.cli.opening import open_recognizer
    from otoscope.cli.printing import print_json
    from otoscope.cli.progress import progress_bar
    from otoscope.explainers.probe_scores import teach

    check_writable(output)
    if not 0 < strength < float("inf"):
        raise BadInput(f"--strength is a number above 0, got {strength:g}")
    names = _labels(corpus, label, labels)
    taught, judged = _parts(corpus, names, split=split, held_out=held_out, limit=limit)
    engine = open_recognizer(recognizer)
    with progress_bar("teaching") as progress:
        probe = teach(engine, taught, judged, label=names, site=site, strength=strength, progress=progress)
    probe.save(output)
    told: dict[str, Any] = {
        "probe": str(output),
        "site": probe.site,
        "labels": list(probe.labels),
        "n_taught": len(taught),
        "n_held_out": probe.n_held_out,
        "accuracy": probe.accuracy,
        "chance": probe.chance,
        "failures": list(probe.failures),
    }
    if as_json:
        print_json(told)
        return
    print(
        f"{len(probe.labels)} labels in {probe.site} of {probe.recognizer}: {probe.accuracy:.1%} of {len(judged)} "
        f"utterances right that it was not taught (chance {probe.chance:.1%}), {len(taught)} taught"
    )
    for failure in probe.failures:
        print(f"not to be believed: {failure}")
    print(f"probe: {output}")


def _labels(corpus: Path, label: str, table: Path | None) -> dict[str, str]:
    """Return labels by utterance id."""
    from otoscope.cli.parameters import read_column
    from otoscope.corpora import read_corpus
    from otoscope.io.delimited import read_delimited

    if table is not None:
        read = read_delimited(table)
        return dict(zip(read.column("id"), read.column("label"), strict=True))
    everything = read_corpus(corpus)
    if label in ("speaker", "text"):
        return {each.id: str(getattr(each, label)) for each in everything}
    column = read_column(corpus, label)
    speakers = {each.id: str(each.speaker) for each in everything}
    return {name: column.get(name, column.get(speaker, "")) for name, speaker in speakers.items()}


def _parts(
    corpus: Path, names: dict[str, str], *, split: str | None, held_out: str | None, limit: int | None
) -> tuple[Sequence[Utterance], Sequence[Utterance]]:
    """Return what is taught and what is held out, of utterances that have a label."""
    from otoscope.corpora import read_corpus

    found = [each for each in read_corpus(corpus, split=split) if names.get(each.id)]
    if held_out is not None:
        if held_out == split:
            raise BadInput(f"split {split} cannot both be taught and judge; name another with --held-out")
        taught = [each for each in found if each.split != held_out]
        judged = [each for each in read_corpus(corpus, split=held_out) if names.get(each.id)]
    else:
        by_label: dict[str, list[Utterance]] = {}
        for each in found:
            by_label.setdefault(names[each.id], []).append(each)
        judged = [each for own in by_label.values() for each in own[EVERY - 1 :: EVERY]]
        left = {each.id for each in judged}
        taught = [each for each in found if each.id not in left]
    if not taught or not judged:
        raise BadInput(f"{corpus} has {len(taught)} labelled utterances to teach and {len(judged)} to judge with")
    if limit is not None and limit < len(taught):
        taught = [taught[int(i * len(taught) / limit)] for i in range(limit)]
    return taught, judged
