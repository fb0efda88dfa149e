"""Recordings longer than a window of 30 s: one window after another as openai/whisper does, or speech cut at pauses.

Sequential decoding seeks to the last time that the model wrote, and may let it read what it wrote before; its text is
that of transformers' `generate` on the whole recording. Batched decoding cuts the speech at pauses and hears many
stretches side by side: faster, and a window that goes wrong pulls no other with it. Both yield what they find as they
go, so that memory does not grow with what is heard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Interval, Recording, UnknownName
from otoscope.core.protocols import Progress
from otoscope.recognizers.whisper.features import HOP, RATE_HZ
from otoscope.recognizers.whisper.long_features import long_log_mel
from otoscope.recognizers.whisper.options import Options
from otoscope.recognizers.whisper.parts import Ears
from otoscope.recognizers.whisper.sound import STEP_S, levels_db
from otoscope.recognizers.whisper.windows import WindowResult, hear_windows
from otoscope.signal.vad import speech_intervals

LongBy = Literal["sequential", "batched"]
Hear = Callable[[Any, Sequence[Any], Options, Sequence[Sequence[int] | None] | None], Sequence[Any]]
"""What hears windows: takes an opened checkpoint, sounds, options and what was said before each."""
COOL = 0.5
"""Text found at this temperature or above is not read on from."""
MARGIN_S = 0.2
"""Silence left around speech that is cut out, as far as there is room."""


@dataclass(frozen=True)
class Segment:
    """Tokens between two times, with those times in the whole recording; `rows` are their places in the window's."""

    start_s: float
    end_s: float
    rows: slice


@dataclass(frozen=True)
class Stretch:
    """One window of a long recording.

    Parameters
    ----------
    start_s, duration_s
        Where the window lies, and how much sound was in it.
    result
        What was heard (a `WindowResult`, or what another engine tells of a window); times in it count from `start_s`.
    segments
        What of its tokens counts: with sequential decoding, those up to where the next window begins.
    """

    start_s: float
    duration_s: float
    result: Any
    segments: tuple[Segment, ...]

    @property
    def tokens(self) -> tuple[int, ...]:
        """The tokens that count, times included."""
        return tuple(token for segment in self.segments for token in self.result.tokens[segment.rows])


def hear_long(
    parts: Ears,
    recording: Recording,
    options: Options,
    *,
    by: LongBy = "sequential",
    condition: bool = False,
    batch_size: int = 8,
    progress: Progress | None = None,
    hear: Hear = hear_windows,
) -> Iterator[Stretch]:
    """Yield what is heard in a recording of any length, window by window.

    Parameters
    ----------
    parts
        The checkpoint.
    recording
        At any rate, of any length.
    options
        How to hear; the language is that of the first window where it is not given (sequential).
    by
        `sequential` or `batched`.
    condition
        Whether the model reads what it wrote before (sequential only); steadier words, but a loop that has begun goes
        on from window to window.
    batch_size
        Stretches heard side by side (batched only).
    progress
        Called with (seconds done, all seconds).
    hear
        What hears windows: `windows.hear_windows`, or another engine's.

    Raises
    ------
    UnknownName
        No such way.
    BadInput
        `condition` without sequential decoding, or a batch of none.
    """
    if by not in get_args(LongBy):
        raise UnknownName("way to hear long recordings", str(by), get_args(LongBy))
    if by == "sequential":
        return _sequential(parts, recording, options, (condition, progress), hear)
    if condition or batch_size < 1:
        raise BadInput("batched decoding needs batch_size of 1 or more, and cannot be conditioned on what came before")
    return _batched(parts, recording, options, (batch_size, progress), hear)


def _sequential(
    parts: Ears, recording: Recording, options: Options, how: tuple[bool, Progress | None], hear: Hear
) -> Iterator[Stretch]:
    """Go from window to window, each beginning where the last complete segment ended."""
    condition, progress = how
    options = options.changed(timestamps=True)
    frames = long_log_mel(parts.front_end, recording)
    n_all, n_window = frames.shape[0], parts.front_end.n_frames
    said: list[int] = list(parts.tokens.prompt(options.prompt)) if options.prompt else []
    seek, cool = 0, True
    while seek < n_all:
        n_here = min(n_all - seek, n_window)
        previous = [said if condition and cool and said else None]
        (result,) = hear(parts, [frames[seek : seek + n_here]], options, previous)
        if options.language is None and result.language is not None:
            options = options.changed(language=result.language)
        start_s, cool = seek * HOP / RATE_HZ, result.temperature < COOL
        segments, n_done = ((), n_here) if result.skipped else split(result.tokens, parts.tokens.first_time, n_here)
        placed = tuple(Segment(start_s + s.start_s, start_s + s.end_s, s.rows) for s in segments)
        stretch = Stretch(start_s, n_here * HOP / RATE_HZ, result, placed)
        said += _read_on(stretch, parts.tokens.first_time)
        seek += n_done
        if progress is not None:
            progress(round(min(seek, n_all) * HOP / RATE_HZ), round(n_all * HOP / RATE_HZ))
        yield stretch


def split(tokens: Sequence[int], first_time: int, n_frames: int) -> tuple[tuple[Segment, ...], int]:
    """Return the segments of a window's tokens, and how many of its frames are done with.

    Times come in pairs, one closing a segment and one opening the next. What follows the last pair is cut off by the
    end of the window and heard again in the next. One time alone at the end says that nobody speaks after it; without
    any pair everything is one segment.

    Parameters
    ----------
    tokens
        What was written, without the end.
    first_time
        The token of 0.00 s.
    n_frames
        Frames of sound in the window, of 10 ms.

    Notes
    -----
    `_retrieve_segment` of transformers 5, after `transcribe` of openai/whisper. Where the last pair stands at 0.00 s
    the whole window is done with, instead of being heard again for ever.
    """
    is_time = [token >= first_time for token in tokens]
    cuts = [i + 1 for i in range(len(tokens) - 1) if is_time[i] and is_time[i + 1]]
    if not cuts:
        return (_whole(tokens, first_time, n_frames),), n_frames
    closed = is_time[-2:] == [False, True]
    cuts = [*cuts, len(tokens)] if closed else [*cuts[:-1], cuts[-1] + 1]
    segments = []
    for first, last in zip([0, *cuts], cuts, strict=False):
        end = last - 1 if closed or last != cuts[-1] else last - 2
        times = (_time_s(tokens[first], first_time), _time_s(tokens[end], first_time))
        segments.append(Segment(*times, slice(first, last)))
    n_done = n_frames if closed else 2 * (tokens[cuts[-1] - 2] - first_time)
    return tuple(segments), n_done if n_done > 0 else n_frames


def _whole(tokens: Sequence[int], first_time: int, n_frames: int) -> Segment:
    """Return all tokens as one segment that ends at its last time, if it has one after 0.00 s, or with the sound."""
    last = next((token for token in reversed(tokens) if token >= first_time), first_time)
    end_s = _time_s(last, first_time) if last > first_time else n_frames // 2 * 2 * HOP / RATE_HZ
    return Segment(0.0, end_s, slice(0, len(tokens)))


def _time_s(token: int, first_time: int) -> float:
    return (token - first_time) * 2 * HOP / RATE_HZ


def _read_on(stretch: Stretch, first_time: int) -> list[int]:
    """Return the tokens that the next window may read: of two times at a segment's end, the first only."""
    found: list[int] = []
    for segment in stretch.segments:
        own = list(stretch.result.tokens[segment.rows])
        found += own[:-1] if len(own) > 2 and own[-2] >= first_time else own
    return found


def _batched(
    parts: Ears, recording: Recording, options: Options, how: tuple[int, Progress | None], hear: Hear
) -> Iterator[Stretch]:
    """Hear stretches of speech side by side."""
    batch_size, progress = how
    spans = speech_spans(recording, parts.front_end.window_s)
    for first in range(0, len(spans), batch_size):
        own = spans[first : first + batch_size]
        sounds = [recording.cut(span.start_s, span.end_s) for span in own]
        for span, result in zip(own, hear(parts, sounds, options, None), strict=True):
            n_frames = round(span.duration_s * RATE_HZ) // HOP
            segments = () if result.skipped else _segments_within(result, parts.tokens.first_time, n_frames, span)
            yield Stretch(span.start_s, span.duration_s, result, segments)
        if progress is not None:
            progress(round(own[-1].end_s), round(recording.duration_s))


def _segments_within(result: WindowResult, first_time: int, n_frames: int, span: Interval) -> tuple[Segment, ...]:
    """Return all segments of a window that no other window overlaps: what follows the last pair of times counts too."""
    segments, _ = split(result.tokens, first_time, n_frames)
    last = segments[-1].rows.stop
    if last < len(result.tokens):
        begin_s = _time_s(result.tokens[last - 1], first_time)
        segments = (
            *segments[:-1],
            Segment(segments[-1].start_s, segments[-1].end_s, slice(segments[-1].rows.start, last - 1)),
            Segment(begin_s, max(begin_s, span.duration_s), slice(last - 1, len(result.tokens))),
        )
    most_s = span.duration_s
    return tuple(
        Segment(span.start_s + min(s.start_s, most_s), span.start_s + min(s.end_s, most_s), s.rows) for s in segments
    )


def speech_spans(recording: Recording, most_s: float) -> tuple[Interval, ...]:
    """Return where to cut a recording: spans of speech with the pauses inside them, none longer than `most_s`.

    Neighbours are joined while they fit in one span. Around each there is `MARGIN_S` of what is no speech, as far as
    there is room. Speech that goes on for longer is cut at its quietest step in the second half.
    """
    levels = levels_db(recording)
    pieces = [piece for each in speech_intervals(recording) for piece in _cut(each, levels, most_s - 2 * MARGIN_S)]
    ends = [0.0, *(piece.end_s for piece in pieces)]
    starts = [*(piece.start_s for piece in pieces), recording.duration_s]
    spans: list[Interval] = []
    for index, piece in enumerate(pieces):
        start_s = max(piece.start_s - MARGIN_S, (ends[index] + piece.start_s) / 2)
        end_s = min(piece.end_s + MARGIN_S, (piece.end_s + starts[index + 1]) / 2)
        if index == len(pieces) - 1:
            end_s = min(piece.end_s + MARGIN_S, recording.duration_s)
        if spans and end_s - spans[-1].start_s <= most_s:
            spans[-1] = Interval(spans[-1].start_s, end_s, "speech")
        else:
            spans.append(Interval(start_s, end_s, "speech"))
    return tuple(spans)


def _cut(speech: Interval, levels: NDArray[np.float64], most_s: float) -> list[Interval]:
    """Cut speech without a pause at its quietest steps of 10 ms."""
    start_s, found = speech.start_s, []
    while speech.end_s - start_s > most_s:
        first, last = (int((start_s + part * most_s) / STEP_S) for part in (0.5, 1.0))
        cut_s = (first + int(np.argmin(levels[first:last]))) * STEP_S
        found.append(Interval(start_s, cut_s, "speech"))
        start_s = cut_s
    return [*found, Interval(start_s, speech.end_s, "speech")]
