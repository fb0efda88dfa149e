"""A corpus of one kind written as another; the sound files stay where they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from otoscope.core import UnknownName
from otoscope.corpora.formats.kaldi_writing import write_kaldi
from otoscope.corpora.formats.lhotse_manifests import write_lhotse
from otoscope.corpora.manifest import manifest_text
from otoscope.corpora.reading import read_corpus
from otoscope.corpora.utterance import Utterance
from otoscope.io.annotation import Annotation
from otoscope.io.formats import write_annotation
from otoscope.io.writing import make_folder, write_text


def write_manifest(utterances: Sequence[Utterance], folder: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Write `manifest.tsv`, and `tiers/ID.json` for words and phones that lie in no file yet; returns the manifest.

    Raises
    ------
    BadFormat
        A field holds a tab or a line end.
    CannotWrite
        A file cannot be written.
    """
    target = make_folder(folder)
    filed = [_with_filed_tiers(utterance, target) for utterance in utterances]
    write_text(target / "manifest.tsv", manifest_text(filed, target))
    return (target / "manifest.tsv",)


def _with_filed_tiers(utterance: Utterance, folder: Path) -> Utterance:
    if not isinstance(utterance.annotation, tuple):
        return utterance
    path = make_folder(folder / "tiers") / f"{utterance.id.replace('/', '_')}.json"
    end_s = max((tier[-1].end_s for tier in utterance.annotation if len(tier)), default=0.0)
    write_annotation(Annotation(utterance.id, max(end_s, utterance.duration_s), utterance.annotation), path)
    return replace(utterance, annotation=path)


WRITERS: Mapping[str, Callable[[Sequence[Utterance], str | os.PathLike[str]], tuple[Path, ...]]] = {
    "lhotse": write_lhotse,
    "manifest": write_manifest,
    "kaldi": write_kaldi,
}
"""The kinds that can be written."""


def convert(
    path: str | os.PathLike[str], output: str | os.PathLike[str], *, to: str = "lhotse", split: str | None = None
) -> tuple[Path, ...]:
    """Read a corpus of any kind and write it as another; the sound files are named, not copied.

    Parameters
    ----------
    path
        A corpus that `read_corpus` reads.
    output
        Folder to write into, made where it is not there yet.
    to
        `lhotse` (cuts), `manifest` or `kaldi` (which has no place for known words and phones in time).
    split
        Only this split; by default all.

    Returns
    -------
    tuple of Path
        The files that were written.

    Raises
    ------
    UnknownName
        No such kind.
    BadInput
        The corpus cannot be read.
    CannotWrite
        The folder cannot be written to.
    """
    if to not in WRITERS:
        raise UnknownName("kind of corpus to write", to, WRITERS)
    return WRITERS[to](read_corpus(path, split=split), output)
