"""What speaks for and against each word that Whisper wrote: was it heard, or only written?

In come a window's sound and the tokens written for it; out comes a row of evidence for each word, all of it measured,
nothing judged: `doubts` does that. The strongest is our own: the sound of the word is silenced and the same text is
heard again. Where the word is as likely as before, the sound had nothing to do with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Interval, Recording, Segment
from otoscope.recognizers.whisper.again import hear_again
from otoscope.recognizers.whisper.attention_path import STEP_S as FRAME_S
from otoscope.recognizers.whisper.heads import HeadChoice
from otoscope.recognizers.whisper.parts import Parts
from otoscope.recognizers.whisper.sound import STEP_S, sound_odds
from otoscope.recognizers.whisper.times import StatesPlan, TimesBy, word_times
from otoscope.recognizers.whisper.tokens import Word
from otoscope.recognizers.whisper.windows import compression_ratio
from otoscope.signal.levels import at_level
from otoscope.signal.masking import Masker
from otoscope.signal.vad import speech_probability

N_GROUPS = 4
"""Every fourth word is silenced at once, so that five listenings serve all words of a window."""
REACH_S = 0.1
"""How far around a word sound is silenced with it, and speech is looked for."""
MOST_REPEATED = 6
"""Longest run of words whose repetition is counted."""
_LEVEL_DB = -22.0
_MARGIN_S = 0.3


@dataclass(frozen=True)
class Evidence:
    """What was measured about one word.

    Parameters
    ----------
    word
        Where it is said to be.
    voice
        Highest probability of speech there (silero-vad), 0.1 s around included.
    drop
        Nats a token by which the word becomes less likely when its sound is silenced; about 0: the language alone says
        it.
    drop_all
        The same when the whole window is silenced.
    log_prob
        Mean log probability of its tokens, nats.
    on_sound
        Share of its attention on frames where the level says there is sound; 0.5 where levels say nothing.
    spread_s
        Standard deviation of its attention around its centre.
    same_place
        Highest overlap (cosine) of its attention with that of the words beside it.
    repeats
        How many times the run of words that it ends, or that holds it, stands in a row; 1 for none.
    duration_s
        Of its place.
    letters_per_s
        Rate at which it would have been said.
    no_speech
        The model's probability that nobody speaks in the window.
    compression
        Compression ratio of the window's text.
    """

    word: Interval
    voice: float
    drop: float
    drop_all: float
    log_prob: float
    on_sound: float
    spread_s: float
    same_place: float
    repeats: int
    duration_s: float
    letters_per_s: float
    no_speech: float
    compression: float


def evidence_of(
    parts: Parts,
    recording: Recording,
    prefix: Sequence[int],
    tokens: Sequence[int],
    *,
    no_speech: float,
    heads: HeadChoice,
    language: str | None = None,
) -> tuple[Evidence, ...]:
    """Return the evidence about each word of a window.

    Parameters
    ----------
    parts
        The checkpoint, opened with `attention="eager"`.
    recording
        The window's sound, up to 30 s.
    prefix, tokens
        What the decoder was given, and what it wrote, times included.
    no_speech
        The model's own probability that nobody speaks.
    heads
        Which heads follow time.
    language
        Code of what is written.

    Notes
    -----
    Listens again 6 times: to the window as it is, with every fourth word silenced in turn, and to nothing at all.
    """
    words = parts.tokens.words(tokens, language)
    if not words:
        return ()
    (again,) = hear_again(parts, [recording], prefix, tokens, attention=True)
    if again.attention is None:
        raise AssertionError("attention was asked for")
    weights, odds = heads.weights(again.attention), sound_odds(recording)
    placed = _placed(weights, words, recording.duration_s, odds, heads.lead_s)
    drops = _drops(parts, recording, prefix, tokens, words, placed, again.log_probs)
    voices, looks = _voices(recording, placed), _looks(weights, words, odds)
    repeats = repeated([word.text.lower() for word in words])
    ratio = compression_ratio(parts.tokens.text(tokens))
    return tuple(
        Evidence(
            word=at,
            voice=float(voices[i]),
            drop=float(drops[0, i]),
            drop_all=float(drops[1, i]),
            log_prob=float(again.log_probs[word.spoken].mean()),
            on_sound=float(looks[0, i]),
            spread_s=float(looks[1, i]),
            same_place=float(looks[2, i]),
            repeats=repeats[i],
            duration_s=at.duration_s,
            letters_per_s=sum(map(str.isalnum, word.text)) / max(at.duration_s, STEP_S),
            no_speech=no_speech,
            compression=ratio,
        )
        for i, (word, at) in enumerate(zip(words, placed, strict=True))
    )


def _placed(
    weights: NDArray[np.float32], words: Sequence[Word], duration_s: float, odds: NDArray[np.float64], lead_s: float
) -> tuple[Interval, ...]:
    """Return where the words are; a loop of more tokens than there is time for is placed by plain warping."""
    rows = [(word.text, word.spoken) for word in words]
    crowded = sum(spoken.stop - spoken.start for _, spoken in rows) > odds.size
    by: TimesBy = "dtw" if crowded else "states"
    plan = StatesPlan(lead_s=lead_s)
    return word_times(weights, rows, duration_s=duration_s, by=by, sound=odds, plan=plan).words.intervals


def _drops(
    parts: Parts,
    recording: Recording,
    prefix: Sequence[int],
    tokens: Sequence[int],
    words: Sequence[Word],
    placed: Sequence[Interval],
    log_probs: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return `(2, n_words)` nats a token that each word loses with its own sound, and with all sound."""
    masker = Masker(recording, [_around(place, recording) for place in placed])
    n_groups = min(N_GROUPS, len(words))
    group = np.arange(len(words)) % n_groups
    changed = [masker(group != g) for g in range(n_groups)]
    changed.append(recording.with_samples(np.zeros_like(recording.samples)))
    heard = [hear_again(parts, [each], prefix, tokens)[0].log_probs for each in changed]
    return np.array(
        [
            [(log_probs[w.spoken] - heard[group[i]][w.spoken]).mean() for i, w in enumerate(words)],
            [(log_probs[w.spoken] - heard[-1][w.spoken]).mean() for w in words],
        ]
    )


def _around(place: Interval, recording: Recording) -> Segment:
    """Return a place with what lies just around it, at least a hundredth of a second inside the recording."""
    start_s = min(max(0.0, place.start_s - REACH_S), recording.duration_s - STEP_S)
    return Segment(max(0.0, start_s), min(recording.duration_s, max(place.end_s + REACH_S, start_s + STEP_S)))


def _voices(recording: Recording, placed: Sequence[Interval]) -> NDArray[np.float64]:
    """Return the highest probability of speech in and around each place.

    The recording is first brought to -22 dB with silence around, as for `align` (see `recognizers.transcription`).
    """
    if not recording.samples.any():
        return np.zeros(len(placed))
    margin = np.zeros(round(_MARGIN_S * recording.rate_hz), np.float32)
    loud = at_level(recording, _LEVEL_DB).samples.clip(-1, 1)
    track = speech_probability(recording.with_samples(np.concatenate([margin, loud, margin])))
    times_s = track.grid.times_s() - _MARGIN_S
    found = []
    for place in placed:
        first, last = np.searchsorted(times_s, [place.start_s - REACH_S, place.end_s + REACH_S])
        found.append(track.values[first : max(last, first + 1), 0].max(initial=0.0))
    return np.array(found)


def _looks(weights: NDArray[np.float32], words: Sequence[Word], odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `(3, n_words)`: share of attention on sound, spread in seconds, overlap with the words beside."""
    looked = np.array([weights[:, word.spoken].mean(axis=(0, 1)) for word in words], dtype=np.float64)
    looked /= np.maximum(looked.sum(axis=1, keepdims=True), 1e-12)
    times_s = np.arange(looked.shape[1]) * FRAME_S
    with_sound = np.interp(times_s, (np.arange(odds.size) + 0.5) * STEP_S, 1 / (1 + np.exp(-odds)), right=0.0)
    centres_s = looked @ times_s
    spread_s = np.sqrt(np.maximum(looked @ times_s**2 - centres_s**2, 0.0))
    unit = looked / np.maximum(np.linalg.norm(looked, axis=1, keepdims=True), 1e-12)
    beside = np.array([float(a @ b) for a, b in pairwise(unit)])
    overlap = np.maximum(np.append(0.0, beside), np.append(beside, 0.0))
    return np.array([looked @ with_sound, spread_s, overlap])


def repeated(words: Sequence[str]) -> tuple[int, ...]:
    """Return for each word how many times in a row the run of words stands that it belongs to; the most of all runs.

    Examples
    --------
    >>> repeated("so we we we go and go and stay".split())
    (1, 3, 3, 3, 2, 2, 2, 2, 1)
    """
    most = [1] * len(words)
    for length in range(1, min(MOST_REPEATED, len(words) // 2) + 1):
        start = 0
        while start + 2 * length <= len(words):
            times = 1
            run = list(words[start : start + length])
            while list(words[start + times * length : start + (times + 1) * length]) == run:
                times += 1
            for i in range(start, start + times * length):
                most[i] = max(most[i], times if times > 1 else 1)
            start += max(1, (times - 1) * length) if times > 1 else 1
    return tuple(most)
