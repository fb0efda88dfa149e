"""Windows of spoken digits with everything Whisper can be asked for: language, translation, times, prompts, no speech.

Spellings follow the prompt: after numerals ("1 2 3") digits are written as numerals, else as words. A window without
speech teaches only that there is none: what the decoder writes if it is made to go on is its own invention, as that of
the published models is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from otoscope.corpora.augmentation import change_speed, hiss, mix
from otoscope.corpora.manifest import Utterance
from otoscope.recognizers.whisper.lessons import Lesson
from otoscope.recognizers.whisper.tokens import STEP_S, Tokens
from otoscope.testing.checkpoints.digits import DIGITS

RATE_HZ = 16000
CLASSES: Mapping[tuple[str, int], int] = {
    (language, digit): 1 + 10 * place + digit for place, language in enumerate(DIGITS) for digit in range(10)
}
"""What an encoder frame can hold: 0 is no word."""

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Spoken:
    """A digit and when it is said."""

    digit: int
    start_s: float
    end_s: float


@dataclass(frozen=True, eq=False)
class Passage:
    """Digits in one language, spoken without a long pause."""

    samples: Samples
    language: str
    digits: tuple[Spoken, ...]

    def faster(self, factor: float) -> Passage:
        """Return it with pitch and tempo changed by a factor."""
        digits = (Spoken(d.digit, d.start_s / factor, d.end_s / factor) for d in self.digits)
        return replace(self, samples=change_speed(self.samples, factor), digits=tuple(digits))


@dataclass(frozen=True, eq=False)
class DigitLesson:
    """A lesson, and the digit in each stretch of the window: class, start_s, end_s."""

    lesson: Lesson
    frames: tuple[tuple[int, float, float], ...]


@dataclass(frozen=True)
class Mix:
    """How windows are made.

    Parameters
    ----------
    window_s
        Their length.
    most_passages
        Most passages in one.
    pause_s
        Least and most silence between two passages.
    silent, prompted, timed, translated, cut
        Shares of windows without speech, with a prompt, with times; of windows in other languages that are translated;
        of timed windows whose last passage goes on beyond the end.
    snr_db
        Least and most ratio of speech to noise; a third of the windows have none.
    """

    window_s: float
    most_passages: int
    pause_s: tuple[float, float] = (0.2, 1.0)
    silent: float = 0.06
    prompted: float = 0.3
    timed: float = 0.5
    translated: float = 0.4
    cut: float = 0.0
    snr_db: tuple[float, float] = (8.0, 40.0)


@dataclass
class Passages:
    """The passages of corpora, by language; sound is read once and kept as 16-bit floats.

    Parameters
    ----------
    corpora
        Language → utterances with tiers of words.
    single
        Recordings of one English digit each, which are joined into passages of one speaker.
    """

    corpora: Mapping[str, Sequence[Utterance]]
    single: Sequence[Utterance] = ()
    _kept: dict[str, tuple[NDArray[np.float16], tuple[Spoken, ...]]] = field(default_factory=dict)

    def drawn(self, language: str, rng: np.random.Generator) -> Passage:
        """Return a passage at random."""
        own = self.corpora[language]
        if language == "en" and self.single and rng.random() < 0.3:
            return self._joined(rng)
        return self.whole(own[int(rng.integers(len(own)))], language)

    def whole(self, utterance: Utterance, language: str) -> Passage:
        """Return an utterance as a passage."""
        key = f"{language}/{utterance.id}"
        if key not in self._kept:
            words = next(tier for tier in utterance.tiers() if tier.name == "words")
            digits = tuple(Spoken(DIGITS[language].index(w.label), w.start_s, w.end_s) for w in words)
            self._kept[key] = (utterance.recording(rate_hz=RATE_HZ).samples.astype(np.float16), digits)
        samples, digits = self._kept[key]
        return Passage(samples.astype(np.float32), language, digits)

    def _joined(self, rng: np.random.Generator) -> Passage:
        first = self.single[int(rng.integers(len(self.single)))]
        own = [utterance for utterance in self.single if utterance.speaker == first.speaker]
        chosen = [own[int(rng.integers(len(own)))] for _ in range(int(rng.integers(1, 6)))]
        pieces, digits, at_s = [], [], 0.0
        for utterance in chosen:
            key = f"single/{utterance.id}"
            if key not in self._kept:
                self._kept[key] = (utterance.recording(rate_hz=RATE_HZ).samples.astype(np.float16), ())
            samples = self._kept[key][0].astype(np.float32)
            length_s = samples.size / RATE_HZ
            digits.append(Spoken(int(utterance.text), at_s, at_s + length_s))
            gap = np.zeros(round(float(rng.uniform(0.0, 0.2)) * RATE_HZ), dtype=np.float32)
            pieces += [samples, gap]
            at_s += length_s + gap.size / RATE_HZ
        return Passage(np.concatenate(pieces), "en", tuple(digits))


@dataclass(frozen=True)
class DigitLessons:
    """Windows of passages, drawn anew each time.

    Parameters
    ----------
    passages, tokens, how
        What is spoken, how it is written, how windows are made.
    n
        How many make one epoch.
    """

    passages: Passages
    tokens: Tokens
    how: Mix
    n: int

    def __len__(self) -> int:
        return self.n

    def lesson(self, index: int, rng: np.random.Generator, *, first: int = 0) -> DigitLesson:
        """Return a window whose first position is the model's position `first`: times are counted from there."""
        if rng.random() < self.how.silent:
            return self._silent(rng)
        language = ("en", "en", "de", "fr")[int(rng.integers(4))]
        timed = bool(rng.random() < self.how.timed)
        samples, placed, is_cut = self._placed(language, rng, may_cut=timed)
        samples = self._noisy(samples, rng)
        task = "translate" if language != "en" and rng.random() < self.how.translated else "transcribe"
        writer = _Writer(self.tokens, first, "en" if task == "translate" else language)
        writer.prompt(rng, self.how.prompted)
        writer.tokens += self.tokens.prefix(language, task, timestamps=timed)
        for passage in placed[: len(placed) - is_cut]:
            writer.passage(passage, timed=timed)
        if is_cut:
            writer.time(placed[-1][0].start_s)
        frames = tuple((CLASSES[language, d.digit], d.start_s, d.end_s) for passage in placed for d in passage)
        return DigitLesson(writer.lesson(samples), frames)

    def _silent(self, rng: np.random.Generator) -> DigitLesson:
        n_samples = round(self.how.window_s * RATE_HZ)
        level = 0.0 if rng.random() < 0.2 else 10 ** rng.uniform(-4.5, -1.0)
        noise = hiss(n_samples, rng)
        samples = (level * noise / noise.std()).astype(np.float32)
        tokens = self.tokens
        return DigitLesson(Lesson(samples, (tokens.start, tokens.no_speech), n_given=1), ())

    def _placed(
        self, language: str, rng: np.random.Generator, *, may_cut: bool
    ) -> tuple[Samples, list[tuple[Spoken, ...]], bool]:
        """Return a window's sound, the digits of each passage in it, and whether the last goes on beyond the end."""
        how, n_samples = self.how, round(self.how.window_s * RATE_HZ)
        window = np.zeros(n_samples, dtype=np.float32)
        at_s = float(rng.uniform(0.0, 0.8))
        placed: list[tuple[Spoken, ...]] = []
        cutting = may_cut and rng.random() < how.cut
        for _ in range(how.most_passages if cutting else int(rng.integers(1, how.most_passages + 1))):
            passage = self.passages.drawn(language, rng).faster(float(np.exp(rng.uniform(-0.12, 0.12))))
            start = round(at_s * RATE_HZ)
            digits = tuple(Spoken(d.digit, at_s + d.start_s, at_s + d.end_s) for d in passage.digits)
            fits = digits[-1].end_s + 0.05 < how.window_s
            if not fits and not (cutting and digits[0].start_s + 0.3 < how.window_s):
                break
            heard = passage.samples[: n_samples - start] * np.float32(10 ** rng.uniform(-1.0, 0.15))
            window[start : start + heard.size] += heard
            placed.append(
                tuple(replace(d, end_s=min(d.end_s, how.window_s)) for d in digits if d.start_s < how.window_s)
            )
            if not fits:
                return window, placed, True
            at_s = start / RATE_HZ + passage.samples.size / RATE_HZ + float(rng.uniform(*how.pause_s))
        if not placed:
            return self._placed(language, rng, may_cut=may_cut)
        return window, placed, False

    def _noisy(self, samples: Samples, rng: np.random.Generator) -> Samples:
        if rng.random() < 1 / 3:
            return samples
        noisy = mix(samples, hiss(samples.size, rng), RATE_HZ, snr_db=float(rng.uniform(*self.how.snr_db)))
        return noisy.astype(np.float32)


class _Writer:
    """What the decoder reads and writes, token by token."""

    def __init__(self, tokens: Tokens, first: int, language: str) -> None:
        self.all, self.first, self.words = tokens, first, DIGITS[language]
        self.numerals = False
        self.n_before = 0
        self.tokens: tuple[int, ...] = ()
        self.said: list[tuple[int, float, float]] = []

    def prompt(self, rng: np.random.Generator, share: float) -> None:
        """Begin with other digits, as numerals or words, in a share of the windows."""
        if rng.random() >= share:
            return
        self.numerals = bool(rng.random() < 0.5)
        digits = rng.integers(10, size=int(rng.integers(1, 7)))
        self.tokens += (self.all.previous, *self.all.encode("".join(self.written(int(d)) for d in digits)))
        self.n_before = len(self.tokens)

    def written(self, digit: int) -> str:
        """Return a digit as it is spelled here."""
        return f" {digit}" if self.numerals else f" {self.words[digit]}"

    def time(self, time_s: float) -> None:
        """Write a time, for which to look at just that time."""
        self.said.append((len(self.tokens), time_s - STEP_S, time_s + STEP_S))
        self.tokens += (self.all.first_time + min(1500, self.first + round(time_s / STEP_S)),)

    def passage(self, digits: Sequence[Spoken], *, timed: bool) -> None:
        """Write the digits of a passage."""
        if timed:
            self.time(digits[0].start_s)
        for digit in digits:
            written = self.all.encode(self.written(digit.digit))
            edges = np.linspace(digit.start_s, digit.end_s, len(written) + 1)
            self.said += [(len(self.tokens) + k, edges[k], edges[k + 1]) for k in range(len(written))]
            self.tokens += written
        if timed:
            self.time(digits[-1].end_s)

    def lesson(self, samples: Samples) -> Lesson:
        """Return everything."""
        return Lesson(samples, (*self.tokens, self.all.end), self.n_before + 1, tuple(self.said))
