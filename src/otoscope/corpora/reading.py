"""Any kind of corpus folder in, utterances out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from otoscope.core import BadInput
from otoscope.corpora import manifest
from otoscope.corpora.findings import CorpusFault
from otoscope.corpora.formats import common_voice, kaldi, lhotse_manifests, librispeech
from otoscope.corpora.utterance import Utterance


@dataclass(frozen=True)
class Kind:
    """A kind of corpus: how it is told from others, and how its utterances and what is wrong with them are found."""

    description: str
    recognizes: Callable[[Path], bool]
    scan: Callable[[Path, str | None], Iterator[Utterance | CorpusFault]]


def _has_manifest(path: Path) -> bool:
    return path.name == "manifest.tsv" or (path / "manifest.tsv").is_file()


def _scan_manifest(path: Path, split: str | None) -> Iterator[Utterance | CorpusFault]:
    return manifest.scan(path / "manifest.tsv" if path.is_dir() else path, split)


KINDS: Mapping[str, Kind] = {
    "manifest": Kind("a folder with manifest.tsv", _has_manifest, _scan_manifest),
    "lhotse": Kind(
        "Lhotse cuts or supervisions (.jsonl, .jsonl.gz)", lhotse_manifests.recognizes, lhotse_manifests.scan
    ),
    "kaldi": Kind("a Kaldi data folder (wav.scp, text, utt2spk)", kaldi.recognizes, kaldi.scan),
    "common-voice": Kind("Common Voice (train.tsv, clips/)", common_voice.recognizes, common_voice.scan),
    "librispeech": Kind("a LibriSpeech tree (speaker/chapter/*.trans.txt)", librispeech.recognizes, librispeech.scan),
}
"""The kinds that are read, in the order in which they are tried."""


def kind_of(path: str | os.PathLike[str]) -> str:
    """Return the name in `KINDS` of the corpus at a path.

    Raises
    ------
    BadInput
        There is nothing there, or it is none of them.
    """
    where = Path(path)
    if not where.exists():
        raise BadInput(f"there is no corpus at {where}: no such file or folder")
    for name, kind in KINDS.items():
        if kind.recognizes(where):
            return name
    known = "; ".join(kind.description for kind in KINDS.values())
    raise BadInput(f"{where} is no kind of corpus that can be read: {known}")


def scan(path: str | os.PathLike[str], split: str | None = None) -> Iterator[Utterance | CorpusFault]:
    """Yield the utterances of a corpus, and a finding for each line that cannot be read."""
    yield from KINDS[kind_of(path)].scan(Path(path), split)


def read_corpus(path: str | os.PathLike[str], *, split: str | None = None) -> tuple[Utterance, ...]:
    """Read a corpus of any kind in `KINDS`, in its own order.

    Parameters
    ----------
    path
        The folder, or one manifest file in it.
    split
        Keep only utterances of this split, by the corpus's own name for it; by default all.

    Raises
    ------
    BadInput
        It is no corpus that can be read, or has no utterance of that split; the message names the splits there are.
    BadFormat
        A line breaks the format; the message names file and line. `validate` lists all such lines.
    """
    where = Path(path)
    if split is None:
        return manifest.checked(scan(where), where)
    found = list(scan(where, split))
    if any(isinstance(item, Utterance) and item.split == split for item in found):
        return manifest.checked(found, where, split=split)
    return manifest.checked(scan(where), where, split=split)
