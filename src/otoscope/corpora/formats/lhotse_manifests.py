"""Lhotse manifests: cuts, or recordings with supervisions, as `.jsonl` or `.jsonl.gz`; in and out.

Needs lhotse (extra `corpora`). The split of an utterance is what its supervision says under `custom["split"]`, else
what the file's name says beside the kind: `librispeech_cuts_dev-clean.jsonl.gz` holds `dev-clean`. A file of cuts that
is given itself may have any name.
"""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from otoscope.core import BadFormat, BadInput
from otoscope.corpora.findings import CorpusFault, problem
from otoscope.corpora.lhotse_cuts import lhotse, of_cut, of_supervision, to_lhotse
from otoscope.corpora.utterance import Utterance
from otoscope.io.writing import make_folder

_NAME = re.compile(r"(?P<before>.*?)[._-]?(?P<kind>cuts|supervisions|recordings)[._-]?(?P<after>.*)\.jsonl(?:\.gz)?")


def recognizes(path: Path) -> bool:
    """Whether this is a folder of cuts or supervisions by their names, or one such file, or any one file of cuts."""
    return bool(_manifests(path))


def _manifests(path: Path) -> list[Path]:
    """Return the manifests to read: cuts where there are any, else supervisions."""
    files = sorted(path.iterdir()) if path.is_dir() else [path] if path.is_file() else []
    kinds = {file: match["kind"] for file in files if (match := _NAME.fullmatch(file.name))}
    if path.is_file() and kinds.get(path) == "recordings":
        raise BadInput(f"{path} names recordings without texts; give the supervisions beside it, or cuts")
    if path.is_file() and not kinds and path.name.endswith((".jsonl", ".jsonl.gz")):
        return [path]
    cuts = [file for file, kind in kinds.items() if kind == "cuts"]
    return cuts or [file for file, kind in kinds.items() if kind == "supervisions"]


def scan(path: Path, split: str | None = None) -> Iterator[Utterance | CorpusFault]:
    """Yield the utterances of all manifests, one for each supervision; of cuts without any, one for each cut."""
    lhotse()
    for manifest in _manifests(path):
        match = _NAME.fullmatch(manifest.name)
        own = (match["after"] or match["before"] or "all") if match else manifest.name.partition(".jsonl")[0]
        of_cuts = match is None or match["kind"] == "cuts"
        found = _of_cuts(manifest, own) if of_cuts else _of_supervisions(manifest, own)
        yield from (u for u in found if split is None or isinstance(u, CorpusFault) or u.split == split)


def _of_cuts(manifest: Path, split: str) -> Iterator[Utterance | CorpusFault]:
    for where, cut in _items(manifest):
        if isinstance(cut, CorpusFault):
            yield cut
            continue
        try:
            yield from of_cut(cut, split=split, folder=manifest.parent, where=where)
        except BadInput as error:
            yield problem(where, str(error), str(getattr(cut, "id", "")))


def _of_supervisions(manifest: Path, split: str) -> Iterator[Utterance | CorpusFault]:
    match = _NAME.fullmatch(manifest.name)
    assert match is not None
    beside = manifest.name[: match.start("kind")] + "recordings" + manifest.name[match.end("kind") :]
    if not (manifest.parent / beside).is_file():
        raise BadInput(f"{manifest} needs its recordings beside it, in {beside}")
    recordings: dict[str, Any] = {}
    for _where, item in _items(manifest.parent / beside):
        if isinstance(item, CorpusFault):
            yield item
        else:
            recordings[item.id] = item
    for where, supervision in _items(manifest):
        if isinstance(supervision, CorpusFault):
            yield supervision
        elif supervision.recording_id not in recordings:
            yield problem(where, f"recording {supervision.recording_id!r} is not in {beside}", supervision.id)
        else:
            try:
                recording = recordings[supervision.recording_id]
                yield of_supervision(supervision, recording, split=split, folder=manifest.parent, where=where)
            except BadInput as error:
                yield problem(where, str(error), supervision.id)


def _items(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield each line's place and lhotse object, or the finding that it is none."""
    from lhotse.serialization import deserialize_item

    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                where = f"{path}:{number}"
                if not line.strip():
                    continue
                try:
                    yield where, deserialize_item(json.loads(line))
                except (ValueError, TypeError, KeyError, AttributeError, AssertionError) as error:
                    yield where, problem(where, f"no Lhotse item: {error or type(error).__name__}")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise BadFormat(f"{path} cannot be read: {error}") from error


def write_lhotse(utterances: Sequence[Utterance], folder: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Write the cuts of each split to `cuts_SPLIT.jsonl.gz`; returns the files.

    Raises
    ------
    MissingExtra
        lhotse is not installed.
    BadAudio
        The header of a sound file cannot be read: Lhotse wants its rate and channels.
    CannotWrite
        The folder cannot be made.
    """
    target = make_folder(folder)
    written = []
    for split in dict.fromkeys(u.split for u in utterances):
        path = target / f"cuts_{split}.jsonl.gz"
        to_lhotse([u for u in utterances if u.split == split]).to_file(path)
        written.append(path)
    return tuple(written)
