"""Words into phrases and captions: a tier of words in, a tier of longer stretches out."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Callable, Sequence

from otoscope.core.timeline import Interval, Origin, Tier
from otoscope.io.annotation import WORDS, Annotation

MAX_CHARS = 42
"""Characters in a line of captions: the limit of the broadcasters' guides (BBC, Netflix Timed Text)."""

MAX_LINES = 2

_SENTENCE_ENDS = (".", "?", "!", "…")
_LONGEST_CUE_S = 7.0
_SHORTEST_CUE_S = 5 / 6
_PHRASE_PAUSE_S = 0.5


def group_words(tier: Tier, *, max_chars: int = MAX_CHARS, max_lines: int = MAX_LINES, pause_s: float = 0.7) -> Tier:
    r"""Group words into captions.

    A caption ends where a sentence ends (`. ? ! …`), where the pause before the next word is at least `pause_s`, where
    the next word would not fit into `max_lines` lines of `max_chars` characters, or would make it longer than 7 s.
    A caption shorter than 5/6 s stays until 5/6 s have passed or the next begins, but never beyond the last word of
    the tier; its end is then no measured time, so its origin is `interpolated`. Words without text are left out, and
    a single word longer than a line gets a line of its own.

    Parameters
    ----------
    tier
        Words in order of time.
    max_chars, max_lines
        Room in a caption.
    pause_s
        Shortest pause that ends a caption, seconds.

    Returns
    -------
    Tier
        Named like the input; labels have lines parted by `\n`; no scores.

    Examples
    --------
    >>> words = Tier("words", tuple(Interval(i, i + 0.9, w) for i, w in enumerate("So it is. We heard it.".split())))
    >>> group_words(words).labels
    ('So it is.', 'We heard it.')
    """

    def ends(words: Sequence[Interval], following: Interval) -> bool:
        return (
            words[-1].label.rstrip("\"')]”’").endswith(_SENTENCE_ENDS)
            or following.start_s - words[-1].end_s >= pause_s
            or following.end_s - words[0].start_s > _LONGEST_CUE_S
            or len(_lines([*words, following], max_chars)) > max_lines
        )

    groups = _grouped(tier, ends)
    limits = [group[0].start_s for group in groups[1:]] + [interval.end_s for interval in tier.intervals[-1:]]
    cues = (_cue(group, _lines(group, max_chars), limit) for group, limit in zip(groups, limits, strict=False))
    return Tier(tier.name, tuple(cues))


def group_phrases(tier: Tier, *, pause_s: float = _PHRASE_PAUSE_S) -> Tier:
    """Group words into phrases parted by pauses of at least `pause_s`: times are those of the first and last word."""
    groups = _grouped(tier, lambda words, following: following.start_s - words[-1].end_s >= pause_s)
    return Tier(tier.name, tuple(_joined(group, " ".join(_texts(group))) for group in groups))


def speaker_tiers(annotation: Annotation, group: Callable[[Tier], Tier]) -> tuple[Tier, ...]:
    """Return one tier of stretches for each speaker: what STM, RTTM and captions write.

    Where there is a tier `words`, it is grouped and named after the annotation's speaker (`unknown` where there is
    none), and the other tiers (phones, states) are left out. Otherwise every tier is a speaker.
    """
    if annotation.has(WORDS):
        return (dataclasses.replace(group(annotation.tier(WORDS)), name=annotation.speaker or "unknown"),)
    return annotation.tiers


def _grouped(tier: Tier, ends: Callable[[Sequence[Interval], Interval], bool]) -> list[list[Interval]]:
    groups: list[list[Interval]] = []
    for word in tier:
        if not word.label.split():
            continue
        if groups and not ends(groups[-1], word):
            groups[-1].append(word)
        else:
            groups.append([word])
    return groups


def _texts(words: Sequence[Interval]) -> list[str]:
    return [" ".join(word.label.split()) for word in words]


def _lines(words: Sequence[Interval], max_chars: int) -> list[str]:
    text = " ".join(_texts(words))
    return textwrap.wrap(text, max_chars, break_long_words=False, break_on_hyphens=False)


def _joined(words: Sequence[Interval], label: str) -> Interval:
    origins = {word.origin for word in words}
    origin: Origin = origins.pop() if len(origins) == 1 else "interpolated"
    return Interval(words[0].start_s, words[-1].end_s, label, origin=origin)


def _cue(words: Sequence[Interval], lines: list[str], limit_s: float) -> Interval:
    cue = _joined(words, "\n".join(lines))
    end_s = min(cue.start_s + _SHORTEST_CUE_S, limit_s)
    return dataclasses.replace(cue, end_s=end_s, origin="interpolated") if end_s > cue.end_s else cue
