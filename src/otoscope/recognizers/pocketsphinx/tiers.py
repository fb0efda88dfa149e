"""Frames become seconds: alignments in core's terms from what the decoder or the aligner found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Alignment, Interval, Recording, Tier
from otoscope.lexicon.pronunciations import base_form
from otoscope.recognizers.pocketsphinx.acoustic import Acoustics
from otoscope.recognizers.pocketsphinx.decoder import Decoded, grid_of, is_filler
from otoscope.recognizers.pocketsphinx.forced import AlignedPhone, AlignedWord, align_phones
from otoscope.recognizers.pocketsphinx.lattice import text_confidence, time_confidence
from otoscope.recognizers.pocketsphinx.model import Triphones
from otoscope.recognizers.pocketsphinx.network import SILENCE, Alternative, states_of


def decoding_alignment(
    decoded: Decoded, recording: Recording, acoustics: Acoustics, cepstra: NDArray[np.float32]
) -> Alignment:
    """Return the words of a decoding at the decoder's times, their phones inside them, and how sure they are."""
    segments = decoded.words
    labels = [base_form(s.label) for s in segments]
    text = tuple(text_confidence(decoded.links, w, s) for w, s in zip(labels, segments, strict=True))
    time = tuple(time_confidence(decoded.links, w, s) for w, s in zip(labels, segments, strict=True))
    edges = _edges_s(recording, len(cepstra))
    words = tuple(
        Interval(edges[s.start], edges[s.end], label, p) for s, label, p in zip(segments, labels, text, strict=True)
    )
    phones = _phones_of(decoded, acoustics, cepstra) if segments else ()
    return Alignment(
        Tier("words", words),
        Tier("phones", _intervals(phones, edges)),
        text_confidence=text,
        time_confidence=time,
        log_score=decoded.log_score,
    )


def forced_alignment(words: Sequence[AlignedWord], recording: Recording, n_frames: int) -> Alignment:
    """Return a forced alignment in seconds."""
    edges = _edges_s(recording, n_frames)
    phones = [phone for word in words for phone in word.phones]
    return Alignment(
        Tier("words", tuple(Interval(edges[w.start], edges[w.end], w.label) for w in words)),
        Tier("phones", _intervals(phones, edges)),
    )


def _edges_s(recording: Recording, n_frames: int) -> NDArray[np.float64]:
    """A frame stands for the hop around its centre, clipped to the recording."""
    return np.clip(grid_of(n_frames + 1).edges_s(), 0.0, recording.duration_s)


def _intervals(phones: Iterable[AlignedPhone], edges: NDArray[np.float64]) -> tuple[Interval, ...]:
    return tuple(
        Interval(edges[p.start], edges[p.end], p.label, origin="aligned" if p.measured else "interpolated")
        for p in phones
    )


def _phones_of(decoded: Decoded, acoustics: Acoustics, cepstra: NDArray[np.float32]) -> list[AlignedPhone]:
    """Align the phones of the pronunciation that the decoder chose within each word's boundaries."""
    spoken = [
        (segment, _states(decoded, k, acoustics.model.triphones))
        for k, segment in enumerate(decoded.segments)
        if not is_filler(segment.label)
    ]
    senones, columns = np.unique(np.concatenate([states for _, states in spoken]), return_inverse=True)
    scores = acoustics.scores(cepstra, senones)
    phones: list[AlignedPhone] = []
    at = 0
    for segment, states in spoken:
        alternative = Alternative(segment.label, segment.phones, columns[at : at + states.size], 0.0, 0.0, 0.0)
        phones.extend(align_phones(alternative, scores, segment.start, segment.end))
        at += states.size
    return phones


def _states(decoded: Decoded, index: int, triphones: Triphones) -> NDArray[np.int64]:
    before = decoded.segments[index - 1].phones if index else ()
    after = decoded.segments[index + 1].phones if index + 1 < len(decoded.segments) else ()
    left, right = before[-1] if before else SILENCE, after[0] if after else SILENCE
    return states_of(decoded.segments[index].phones, triphones, left=left, right=right)
