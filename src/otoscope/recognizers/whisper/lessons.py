"""What Whisper learns from: a window of sound and the tokens to be written for it, padded into batches.

The decoder is given what came before (a prompt) and the start of the transcript; it learns everything after that,
language, task and times included (Radford et al. 2023, section 2.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from otoscope.core import BadInput, NotAble
from otoscope.corpora.utterance import Utterance
from otoscope.recognizers.whisper.features import RATE_HZ
from otoscope.recognizers.whisper.tokens import STEP_S, Tokens


@dataclass(frozen=True, eq=False)
class Lesson:
    """A window and its tokens.

    Parameters
    ----------
    samples
        At 16 kHz, from the start of the window; silence follows.
    tokens
        All that the decoder reads and writes, the end included.
    n_given
        So many of them are given, and not learnt.
    said
        Where tokens are said: place in `tokens`, start and end in seconds. For lessons in where to listen.
    """

    samples: NDArray[np.float32]
    tokens: tuple[int, ...]
    n_given: int
    said: tuple[tuple[int, float, float], ...] = ()

    @property
    def n_learnt(self) -> int:
        """Number of tokens that are learnt."""
        return len(self.tokens) - self.n_given


class Lessons(Protocol):
    """A row of lessons; what is random in one is drawn anew each time."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def lesson(self, index: int, rng: np.random.Generator) -> Lesson:
        """Return a lesson."""
        ...


@dataclass(frozen=True, eq=False)
class LessonBatch:
    """Lessons padded to one length.

    Parameters
    ----------
    waves
        `(n, n_samples)` at 16 kHz.
    given
        Tokens that the decoder reads, `(n, n_tokens)`.
    wanted
        Tokens that it should write after each, `(n, n_tokens)`; -100 where nothing is learnt.
    said
        Rows of (lesson, place in `given` where the token is written, start_s, end_s), `(n_said, 4)`.
    """

    waves: Tensor
    given: Tensor
    wanted: Tensor
    said: Tensor

    @property
    def n_learnt(self) -> int:
        """Number of tokens that are learnt."""
        return int((self.wanted != IGNORED).sum())


IGNORED = -100
"""What stands for a token that is not learnt, as torch's cross entropy has it."""


def batch_of(lessons: Sequence[Lesson], n_samples: int, end: int) -> LessonBatch:
    """Return lessons as a batch of windows of `n_samples`."""
    longest = max(len(lesson.tokens) for lesson in lessons)
    waves = np.zeros((len(lessons), n_samples), dtype=np.float32)
    tokens = np.full((len(lessons), longest), end)
    wanted = np.full((len(lessons), longest - 1), IGNORED)
    for k, lesson in enumerate(lessons):
        waves[k, : lesson.samples.size] = lesson.samples
        tokens[k, : len(lesson.tokens)] = lesson.tokens
        wanted[k, lesson.n_given - 1 : len(lesson.tokens) - 1] = lesson.tokens[lesson.n_given :]
    said = [(k, place - 1, start_s, end_s) for k, lesson in enumerate(lessons) for place, start_s, end_s in lesson.said]
    return LessonBatch(
        torch.from_numpy(waves),
        torch.from_numpy(tokens[:, :-1].copy()),
        torch.from_numpy(wanted),
        torch.tensor(said, dtype=torch.float32).reshape(-1, 4),
    )


@dataclass(frozen=True)
class Dictation:
    """How a text becomes tokens.

    Parameters
    ----------
    tokens
        Of the checkpoint.
    language, task
        What stands before the text; the language as a code, ignored by English-only models.
    timestamps
        Share of the lessons in which the times of the utterance are written too.
    """

    tokens: Tokens
    language: str | None
    task: str
    timestamps: float = 0.0

    def lesson(self, samples: NDArray[np.float32], text: str, extent: tuple[float, float], *, timed: bool) -> Lesson:
        """Return the lesson of a recording in which `text` is said from `extent[0]` to `extent[1]` seconds."""
        tokens = self.tokens
        prefix = tokens.prefix(self.language, self.task, timestamps=timed)
        written = tokens.encode(" " + text.strip())
        if timed:
            first, last = (tokens.first_time + round(time_s / STEP_S) for time_s in extent)
            written = (first, *written, last)
        return Lesson(samples, (*prefix, *written, tokens.end), n_given=1)


class UtteranceLessons:
    """The utterances of a corpus as lessons, each a window of its own.

    Raises
    ------
    BadInput
        There is none with a text, or one is longer than a window; its sound, text and tokens are named.
    """

    def __init__(self, corpus: Sequence[Utterance], dictation: Dictation, *, window_s: float, n_context: int) -> None:
        self.corpus = [utterance for utterance in corpus if utterance.text.strip()]
        self.dictation = dictation
        if not self.corpus:
            raise BadInput("the corpus holds no utterance with words; nothing can be learnt from it")
        for utterance in self.corpus:
            if utterance.duration_s > window_s + 0.5 / RATE_HZ:
                raise BadInput(
                    f"utterance {utterance.id!r} lasts {utterance.duration_s:.1f} s, a window {window_s:g} s: cut it"
                )
            n_tokens = len(dictation.lesson(_NOTHING, utterance.text, (0.0, 0.0), timed=True).tokens)
            if n_tokens > n_context:
                raise BadInput(f"the text of {utterance.id!r} has {n_tokens} tokens, the decoder takes {n_context}")

    def __len__(self) -> int:
        return len(self.corpus)

    def lesson(self, index: int, rng: np.random.Generator) -> Lesson:
        """Return a lesson, with times or without as `rng` has it."""
        utterance = self.corpus[index]
        samples = utterance.recording(rate_hz=RATE_HZ).samples
        timed = bool(rng.random() < self.dictation.timestamps)
        return self.dictation.lesson(samples, utterance.text, _extent(utterance), timed=timed)


_NOTHING: NDArray[np.float32] = np.zeros(0, dtype=np.float32)


def _extent(utterance: Utterance) -> tuple[float, float]:
    """Return from when to when there are words, as far as is known."""
    if utterance.annotation is not None:
        for tier in utterance.tiers():
            if tier.name == "words" and tier.intervals:
                return tier.intervals[0].start_s, tier.intervals[-1].end_s
    return 0.0, utterance.duration_s


def language_of(tokens: Tokens, language: str | None, task: str) -> str | None:
    """Return the code of the language to be written before every text.

    Raises
    ------
    BadInput
        A model of many languages is given none.
    NotAble
        An English-only model is asked for another language or for a translation.
    UnknownName
        The model does not know the language.
    """
    if not tokens.multilingual:
        if task != "transcribe" or (language or "en").lower() not in ("en", "english"):
            raise NotAble(f"the model hears English only; it cannot learn language={language!r}, task={task!r}")
        return None
    if task not in tokens.tasks:
        raise BadInput(f"task must be one of {', '.join(tokens.tasks)}, got {task!r}")
    if language is None:
        raise BadInput("which language is spoken? give language='en' or another code")
    return tokens.language_code(language)
