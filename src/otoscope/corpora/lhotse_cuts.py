"""Utterances as Lhotse cuts, and back: the way into Lhotse's samplers, recipes and data sets.

One utterance is one cut with one supervision of the same id. Known words and phones in time become the supervision's
alignment (`word`, `phone`), the split and the origin of the times stand in its `custom`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from otoscope.core import BadInput, Interval, MissingExtra, Tier
from otoscope.corpora.stretches import resolved
from otoscope.corpora.utterance import Utterance
from otoscope.io.audio import audio_info

_TO_LHOTSE = {"words": "word", "phones": "phone"}
_FROM_LHOTSE = {theirs: ours for ours, theirs in _TO_LHOTSE.items()}
_SAME_S = 1e-3
"""Two times this near are the same: Lhotse rounds."""


def lhotse() -> Any:
    """Return the module lhotse.

    Raises
    ------
    MissingExtra
        It is not installed.
    """
    try:
        import lhotse as module
    except ImportError as error:
        raise MissingExtra("lhotse", "corpora", "reading and writing Lhotse manifests") from error
    return module


def to_lhotse(utterances: Sequence[Utterance]) -> Any:
    """Return a `lhotse.CutSet`: one cut for each utterance.

    An utterance in the mean of several channels becomes a `MultiCut` of them all.

    Raises
    ------
    MissingExtra
        lhotse is not installed.
    BadAudio
        The header of a sound file cannot be read.
    """
    return lhotse().CutSet.from_cuts(_cut(utterance) for utterance in utterances)


def from_lhotse(cuts: Iterable[Any], *, split: str = "all") -> tuple[Utterance, ...]:
    """Return the utterances in Lhotse cuts: one for each supervision, or for each cut that has none.

    `split` is that of supervisions which do not name theirs under `custom["split"]`.

    Raises
    ------
    BadInput
        A cut has no sound file of its own: mixed, padded, changed on the fly, or features alone.
    """
    return tuple(utterance for cut in cuts for utterance in of_cut(cut, split=split, folder=Path()))


def _cut(utterance: Utterance) -> Any:
    module = lhotse()
    info = audio_info(utterance.path)
    channels = list(range(info.n_channels))
    n_samples = round(info.duration_s * info.rate_hz)
    recording = module.Recording(
        id=utterance.id if utterance.is_whole_file else f"{utterance.path.stem}-{utterance.id}",
        sources=[module.AudioSource("file", channels, os.path.abspath(utterance.path))],
        sampling_rate=info.rate_hz,
        num_samples=n_samples,
        duration=n_samples / info.rate_hz,
    )
    end_s = recording.duration if utterance.end_s is None else min(utterance.end_s, recording.duration)
    length_s = end_s - utterance.start_s
    channel: Any = utterance.channel if utterance.channel is not None else channels if len(channels) > 1 else 0
    supervision = _supervision(utterance, recording.id, length_s, channel)
    kind = module.cut.MultiCut if isinstance(channel, list) else module.MonoCut
    return kind(utterance.id, utterance.start_s, length_s, channel, [supervision], recording=recording)


def _supervision(utterance: Utterance, recording_id: str, length_s: float, channel: Any) -> Any:
    from lhotse.supervision import AlignmentItem

    module = lhotse()
    tiers = utterance.tiers() if utterance.annotation is not None else ()
    origins = {interval.origin for tier in tiers for interval in tier}
    return module.SupervisionSegment(
        id=utterance.id,
        recording_id=recording_id,
        start=0.0,
        duration=length_s,
        channel=channel,
        text=utterance.text,
        speaker=utterance.speaker or None,
        custom={"split": utterance.split, **({"origin": origins.pop()} if len(origins) == 1 else {})},
        alignment={
            _TO_LHOTSE.get(tier.name, tier.name): [
                AlignmentItem(i.label, i.start_s, i.duration_s, i.score) for i in tier
            ]
            for tier in tiers
        }
        or None,
    )


def of_cut(cut: Any, *, split: str, folder: Path, where: str = "") -> Iterator[Utterance]:
    """Yield the utterances of one cut; file names are sought beside the manifest's `folder` first.

    Raises
    ------
    BadInput
        As `from_lhotse`.
    """
    kind = type(cut).__name__
    if kind not in ("MonoCut", "MultiCut"):
        raise BadInput(f"a {kind} has no one sound file; save its audio first (CutSet.save_audios)")
    if not cut.has_recording:
        raise BadInput(f"cut {cut.id!r} holds features alone, no recording")
    for supervision in cut.supervisions:
        yield of_supervision(supervision, cut.recording, split=split, folder=folder, where=where, offset_s=cut.start)
    if not cut.supervisions:
        path, channel = _source(cut.recording, cut.channel, folder)
        start_s, end_s = _place(cut.start, cut.duration, cut.recording.duration)
        yield Utterance(cut.id, path, "", "", split, float(cut.duration), start_s, end_s, channel, where=where)


def of_supervision(
    supervision: Any, recording: Any, *, split: str, folder: Path, where: str = "", offset_s: float = 0.0
) -> Utterance:
    """Return the utterance of a supervision, whose times count from `offset_s` in its recording.

    Raises
    ------
    BadInput
        The recording is no plain sound file.
    """
    path, channel = _source(recording, supervision.channel, folder)
    start_s, end_s = _place(offset_s + supervision.start, supervision.duration, recording.duration)
    custom = supervision.custom or {}
    return Utterance(
        supervision.id,
        path,
        " ".join((supervision.text or "").split()),
        supervision.speaker or "",
        str(custom.get("split", split)),
        float(supervision.duration),
        start_s,
        end_s,
        channel,
        annotation=_tiers(supervision, custom.get("origin", "annotated")),
        where=where,
    )


def _tiers(supervision: Any, origin: Any) -> tuple[Tier, ...] | None:
    if not supervision.alignment:
        return None
    tiers = []
    for name, items in supervision.alignment.items():
        intervals, last_s = [], 0.0
        for item in items:
            start_s = round(item.start - supervision.start, 6)
            start_s = last_s if abs(start_s - last_s) < _SAME_S / 10 else start_s
            last_s = max(start_s, round(item.start + item.duration - supervision.start, 6))
            intervals.append(Interval(start_s, last_s, item.symbol, item.score, origin))
        tiers.append(Tier(_FROM_LHOTSE.get(name, name), tuple(intervals)))
    return tuple(tiers)


def _place(start_s: float, length_s: float, whole_s: float) -> tuple[float, float | None]:
    """Return begin and end in the file; the end is `None` where it is the file's."""
    start_s = 0.0 if start_s < _SAME_S / 10 else float(start_s)
    end_s = start_s + float(length_s)
    return start_s, None if abs(end_s - whole_s) < _SAME_S else end_s


def _source(recording: Any, channel: Any, folder: Path) -> tuple[Path, int | None]:
    """Return the file that holds a channel (or all of several), and which of the file's channels it is."""
    if recording.transforms:
        raise BadInput(f"recording {recording.id!r} is changed on the fly; save its audio first (CutSet.save_audios)")
    wanted = set(channel) if isinstance(channel, list | tuple) else {channel}
    for source in recording.sources:
        if wanted <= set(source.channels):
            break
    else:
        raise BadInput(f"recording {recording.id!r} has no one file with channels {sorted(wanted)}")
    if source.type != "file":
        raise BadInput(f"recording {recording.id!r} is of type {source.type!r}; only sound files are read")
    if len(wanted) > 1 and wanted != set(source.channels):
        raise BadInput(f"recording {recording.id!r}: channels {sorted(wanted)} are neither one nor all of its file's")
    alone = len(source.channels) == 1 or len(wanted) > 1
    return resolved(str(source.source), folder), None if alone else source.channels.index(next(iter(wanted)))
