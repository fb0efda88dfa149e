"""The Shoebox's bar: sixteen spoken words and the sums they make, by synthetic voices that made no templates.

IBM's Shoebox (1961-62) knew ten digits and six commands and drove an adding machine. Templates come from some voices
of espeak-ng; other voices, at other speeds and pitches, are tested: word by word, then whole sums through the
calculator.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

from otoscope.core import Panel, Recording
from otoscope.core.protocols import Progress
from otoscope.recognizers.template.calculator import DIGITS, SHOEBOX_WORDS, Calculator
from otoscope.recognizers.template.calibration import Calibration
from otoscope.recognizers.template.card import TemplateCard
from otoscope.recognizers.template.examples import word_frames
from otoscope.recognizers.template.recognizer import TemplateRecognizer
from otoscope.recognizers.template.training import SHOEBOX, from_examples
from otoscope.signal.noise import add_noise
from otoscope.studies.digits import wilson_interval
from otoscope.studies.result import StudyResult

# fmt: off
TEMPLATE_VOICES = (
    "m1", "m3", "m5", "m7", "f1", "f3", "f5", "adam", "belinda", "john", "linda", "quincy", "david", "steph", "m6",
    "f4", "Alex", "Demonic", "Gene", "Jacky", "Mr serious", "RicishayMax2", "Tweaky", "aunty", "ed", "grandma", "ian",
    "iven3", "klatt", "klatt4", "marcelo", "mike2", "pedro", "robosoft2", "robosoft5", "robosoft8", "victor", "zac",
    "Alicia", "travis", "m2", "m8", "Andy", "Annie", "Michael", "Mike", "rob", "sandro", "m4", "f2", "shelby",
    "announcer", "caleb", "anika", "Reed", "michel", "Hugo", "fast", "anikaRobot", "benjamin", "norbert", "Lee",
)
TEST_VOICES = (
    "edward", "Nguyen", "grandpa", "robert", "croak", "Marco", "kaukovalta", "pablo", "boris",
    "gustave", "Storm", "AnxiousAndy",
)
# fmt: on
"""Drawn by chance before any of them was heard (`numpy.random.default_rng(4).choice`), from the variants of espeak-ng
whose name, without its number, no voice used before had: the first of each name, those that whisper left out. What
served as a test before has become a template: thrice were other voices tested, the last time with 96.9 % right, and
nothing but the number of templates was changed since."""
BASE = "gmw/en-US"
RATES_WPM = (130, 150, 170)
PITCHES = (40, 50, 60)
SNR_DB = 30.0
GAP_S = 0.5
N_SUMS = 3
"""Sums a test voice speaks."""
CARD = TemplateCard("shoebox", SHOEBOX_WORDS, Calibration(1.0, 1.0))


@dataclass(frozen=True)
class Voice:
    """A voice of espeak-ng with its own speed and pitch."""

    variant: str
    rate_wpm: int
    pitch: int

    def say(self, word: str) -> Recording:
        """Return one word with 0.15 s and faint noise around it; the same every time."""
        from otoscope.signal.synthesis import synthesize

        spoken = synthesize(word, voice=f"{BASE}+{self.variant}", rate_wpm=self.rate_wpm, pitch=self.pitch).recording
        margin = np.zeros(round(0.15 * spoken.rate_hz), np.float32)
        padded = spoken.with_samples(np.concatenate([margin, 0.5 * spoken.samples, margin]))
        return add_noise(padded, "pink", snr_db=SNR_DB, seed=0)


def voices(variants: Sequence[str]) -> tuple[Voice, ...]:
    """Return voices whose speeds and pitches take turns."""
    return tuple(
        Voice(variant, RATES_WPM[i % len(RATES_WPM)], PITCHES[i // len(RATES_WPM) % len(PITCHES)])
        for i, variant in enumerate(variants)
    )


def run(*, seed: int = 0, progress: Progress | None = None) -> StudyResult:
    """Make templates of some voices, test others word by word and in spoken sums.

    Parameters
    ----------
    seed
        Of the sums that are spoken.
    progress
        Called with (voices done, all voices).

    Raises
    ------
    MissingExtra
        espeakng-loader is not installed.
    """
    began = time.perf_counter()
    everyone = (*voices(TEMPLATE_VOICES), *voices(TEST_VOICES))
    said: dict[Voice, dict[str, Recording]] = {}
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for n_done, voice in enumerate(everyone, start=1):
            said[voice] = dict(zip(SHOEBOX_WORDS, pool.map(voice.say, SHOEBOX_WORDS), strict=True))
            if progress is not None:
                progress(n_done, len(everyone))
    learnt, tested = everyone[: len(TEMPLATE_VOICES)], everyone[len(TEMPLATE_VOICES) :]
    examples = [[word_frames(said[voice][word], SHOEBOX, CARD) for voice in learnt] for word in SHOEBOX_WORDS]
    recognizer = from_examples(SHOEBOX, examples, CARD)
    heard = {voice: {w: recognizer.trace(said[voice][w]).text for w in SHOEBOX_WORDS} for voice in tested}
    rng = np.random.default_rng(seed)
    sums = {voice: [_spoken_sum(recognizer, said[voice], rng) for _ in range(N_SUMS)] for voice in tested}
    rows = tuple(_row(voice, heard[voice], sums[voice]) for voice in tested)
    rows = (*rows, _total(rows))
    provenance = {
        "template_voices": TEMPLATE_VOICES,
        "test_voices": TEST_VOICES,
        "rates_wpm": RATES_WPM,
        "pitches": PITCHES,
        "weights_sha256": recognizer.provenance.weights_sha256,
        "calibration": recognizer.card.as_json()["calibration"],
        "versions": {"otoscope": version("otoscope"), "numpy": np.__version__},
        "seed": seed,
    }
    panels = (_bars(rows), _confusions(heard), _tape(sums))
    return StudyResult("shoebox", _summary(rows[-1]), rows, panels, provenance, time.perf_counter() - began)


@dataclass(frozen=True)
class SpokenSum:
    """The words of a sum, what was heard of them, and what the machine printed for either."""

    said: tuple[str, ...]
    heard: tuple[str, ...]

    @property
    def printed(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """What had to be printed, and what was."""
        return Calculator().after(self.said).printed, Calculator().after(self.heard).printed


def sum_words(rng: np.random.Generator) -> tuple[str, ...]:
    """Return the words of a sum: numbers of one or two digits, plus or minus, a mistake taken back, total."""
    words: list[str] = []
    for term in range(int(rng.integers(2, 5))):
        if term:
            words.append("plus" if rng.random() < 0.6 else "minus")
        words += [DIGITS[i] for i in rng.integers(0, 10, int(rng.integers(1, 3)))]
    if rng.random() < 0.5:
        words += ["subtotal", "plus", DIGITS[int(rng.integers(10))], "false"]
    return (*words, "total", "off")


def _spoken_sum(recognizer: TemplateRecognizer, words: Mapping[str, Recording], rng: np.random.Generator) -> SpokenSum:
    said = sum_words(rng)
    rate_hz = words[said[0]].rate_hz
    noise = words[said[0]].samples[: round(0.1 * rate_hz)]
    gap = np.resize(noise, round(GAP_S * rate_hz))
    pieces = [piece for word in said for piece in (gap, words[word].samples)]
    recording = Recording(np.concatenate([*pieces, gap]), rate_hz, source="spoken sum")
    return SpokenSum(said, recognizer.trace(recording).hypothesis.words)


def _row(voice: Voice, heard: Mapping[str, str], sums: Sequence[SpokenSum]) -> dict[str, Any]:
    right = sum(word == text for word, text in heard.items())
    low, high = wilson_interval(right, len(heard))
    return {
        "voice": voice.variant,
        "rate_wpm": voice.rate_wpm,
        "pitch": voice.pitch,
        "words": len(heard),
        "right": right / len(heard),
        "right_low": low,
        "right_high": high,
        "sums": len(sums),
        "sums_right": sum(one.printed[0] == one.printed[1] for one in sums) / len(sums),
    }


def _total(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    n, n_sums = sum(row["words"] for row in rows), sum(row["sums"] for row in rows)
    right = sum(round(row["right"] * row["words"]) for row in rows)
    low, high = wilson_interval(right, n)
    sums_right = sum(round(row["sums_right"] * row["sums"]) for row in rows) / n_sums
    counts = {"words": n, "right": right / n, "right_low": low, "right_high": high}
    return {"voice": "all", "rate_wpm": None, "pitch": None, **counts, "sums": n_sums, "sums_right": sums_right}


def _summary(row: Mapping[str, Any]) -> str:
    return (
        f"{100 * row['right']:.1f} % of {row['words']} words by voices without templates were right (95 % interval "
        f"{100 * row['right_low']:.1f} to {100 * row['right_high']:.1f} %); {100 * row['sums_right']:.0f} % of "
        f"{row['sums']} spoken sums were printed right. Voices are synthetic: real ones differ more."
    )


def _bars(rows: Sequence[Mapping[str, Any]]) -> Panel:
    data = {
        "labels": [row["voice"] for row in rows],
        "values": [row["right"] for row in rows],
        "low": [row["right_low"] for row in rows],
        "high": [row["right_high"] for row in rows],
        "y_label": "share of words right",
        "chance": 1 / len(SHOEBOX_WORDS),
    }
    return Panel("bars", "The Shoebox's words by unheard voices", data, "Bars are 95 % Wilson intervals.")


def _confusions(heard: Mapping[Voice, Mapping[str, str]]) -> Panel:
    wrong = [
        [v.variant, word, text or "none"] for v, own in heard.items() for word, text in own.items() if word != text
    ]
    data = {"columns": ["voice", "said", "heard"], "rows": wrong or [["-", "-", "-"]]}
    return Panel("table", "What was misheard", data, "Single words; none: rejected.")


def _tape(sums: Mapping[Voice, Sequence[SpokenSum]]) -> Panel:
    rows = [
        [voice.variant, " ".join(one.said), " ".join(one.heard), *(" ".join(map(str, tape)) for tape in one.printed)]
        for voice, own in sums.items()
        for one in own
    ]
    columns = ["voice", "said", "heard", "to be printed", "printed"]
    return Panel(
        "table", "The adding machine's tape", {"columns": columns, "rows": rows}, "Spoken sums, 0.5 s a pause."
    )
