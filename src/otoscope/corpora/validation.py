"""What is wrong with a corpus, and on which line.

| code | severity | means |
|---|---|---|
| `format` | error | a line cannot be read |
| `duplicate-id` | error | an id stands twice |
| `unreadable` | error | the sound is missing, damaged, or holds NaN |
| `wrong-duration` | error | the sound is not as long as the corpus says |
| `too-short`, `silent` | error | there is nothing to hear |
| `speaker-in-two-splits` | error | a test of unseen speakers would test seen ones |
| `same-sound-in-two-splits` | error | the same samples are trained and tested on |
| `empty-text` | error | nothing is said |
| `same-sound` | warning | the same samples stand under two ids |
| `clipped`, `beyond-full-scale` | warning | the sound is distorted, or badly scaled |
| `text-too-long` | warning | more letters than can be spoken in the time |
| `characters` | warning | characters that no lexicon of the language has; once for each character |
| `unknown-words` | warning | words that the lexicon lacks, where one is given |
| `rate`, `channels` | warning | not 16 kHz, not one channel; once for each kind |
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from otoscope.core import BadInput
from otoscope.core.protocols import Progress
from otoscope.corpora.findings import CorpusFault
from otoscope.corpora.manifest import NO_SPEAKER
from otoscope.corpora.reading import scan
from otoscope.corpora.sound_checks import SoundReport, check_sound
from otoscope.corpora.utterance import Utterance
from otoscope.lexicon.normalization import normalize_words

ALPHABET = "abcdefghijklmnopqrstuvwxyz'"
"""What words of English are made of, once `normalize_words` has spelled out numbers and signs."""
RATE_HZ = 16000
EXAMPLES = 5


def validate(
    path: str | os.PathLike[str],
    *,
    sound: bool = True,
    lexicon: Collection[str] | None = None,
    alphabet: str = ALPHABET,
    n_workers: int | None = None,
    progress: Progress | None = None,
) -> tuple[CorpusFault, ...]:
    """Say what is wrong with a corpus of any kind, and where: errors first, then warnings, each in order of lines.

    Parameters
    ----------
    path
        A corpus that `read_corpus` reads.
    sound
        Decode every file; without, only manifests and texts are looked at.
    lexicon
        Words that are known, in lower case; words outside are reported. `None` asks nothing.
    alphabet
        Characters that words may have, in lower case.
    n_workers
        Files decoded at once; as many as there are processors by default.
    progress
        Called with (utterances done, all).

    Raises
    ------
    BadInput
        It is no corpus that can be read at all, or holds nothing.
    """
    scanned = list(scan(path))
    findings = [item for item in scanned if isinstance(item, CorpusFault)]
    utterances = [item for item in scanned if isinstance(item, Utterance)]
    if not scanned:
        raise BadInput(f"{path} holds no utterance")
    findings += _duplicate_ids(utterances)
    findings += _shared_speakers(utterances)
    findings += _texts(utterances, alphabet, lexicon)
    if sound:
        reports = _decoded(utterances, n_workers or os.cpu_count() or 1, progress)
        findings += [finding for report in reports for finding in report.findings]
        findings += _same_sounds(reports)
        findings += _kinds_of_sound(reports)
    return tuple(sorted(findings, key=lambda finding: finding.severity != "error"))


def _decoded(utterances: Sequence[Utterance], n_workers: int, progress: Progress | None) -> list[SoundReport]:
    reports: list[SoundReport] = []
    with ThreadPoolExecutor(n_workers) as pool:
        try:
            for report in pool.map(check_sound, utterances):
                reports.append(report)
                if progress is not None:
                    progress(len(reports), len(utterances))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return reports


def _duplicate_ids(utterances: Sequence[Utterance]) -> Iterator[CorpusFault]:
    first: dict[str, Utterance] = {}
    for u in utterances:
        if first.setdefault(u.id, u) is not u:
            message = f"utterance {u.id!r} stands at {first[u.id].where} already"
            yield CorpusFault("error", "duplicate-id", message, u.where, u.id)


def _shared_speakers(utterances: Sequence[Utterance]) -> Iterator[CorpusFault]:
    first: dict[str, Utterance] = {}
    told: set[str] = set()
    for u in utterances:
        other = first.setdefault(u.speaker, u)
        if other.split == u.split or u.speaker in told or u.speaker.lower() in NO_SPEAKER:
            continue
        told.add(u.speaker)
        message = f"speaker {u.speaker!r} stands in split {u.split} and, at {other.where}, in split {other.split}"
        yield CorpusFault("error", "speaker-in-two-splits", message, u.where, u.id)


def _texts(utterances: Sequence[Utterance], alphabet: str, lexicon: Collection[str] | None) -> Iterator[CorpusFault]:
    odd: dict[str, list[Utterance]] = {}
    unknown: dict[str, list[Utterance]] = {}
    for u in utterances:
        words = normalize_words(u.text)
        if not words:
            shown = f"the text {u.text!r} holds no word" if u.text else "the text is empty"
            yield CorpusFault("error", "empty-text", shown, u.where, u.id)
        for character in sorted({c for word in words for c in word if c not in alphabet}):
            odd.setdefault(character, []).append(u)
        for word in dict.fromkeys(words if lexicon is not None else ()):
            if word not in (lexicon or ()):
                unknown.setdefault(word, []).append(u)
    for character, those in odd.items():
        message = f"{character!r} (U+{ord(character):04X}) is no character of the lexicon{_also(those)}"
        yield CorpusFault("warning", "characters", message, those[0].where, those[0].id)
    if unknown:
        most = sorted(unknown, key=lambda word: -len(unknown[word]))
        shown = ", ".join(most[:EXAMPLES]) + (", …" if len(most) > EXAMPLES else "")
        those = unknown[most[0]]
        message = f"{len(most)} words are not in the lexicon: {shown}"
        yield CorpusFault("warning", "unknown-words", message, those[0].where, those[0].id)


def _same_sounds(reports: Sequence[SoundReport]) -> Iterator[CorpusFault]:
    first: dict[str, Utterance] = {}
    for report in reports:
        u = report.utterance
        other = first.setdefault(report.digest or u.id, u)
        if other is u or not report.digest:
            continue
        if other.split == u.split:
            yield CorpusFault("warning", "same-sound", f"{u.id!r} has the samples of {other.id!r}", u.where, u.id)
        else:
            message = f"{u.id!r} in split {u.split} has the samples of {other.id!r} in split {other.split}"
            yield CorpusFault("error", "same-sound-in-two-splits", message, u.where, u.id)


def _kinds_of_sound(reports: Sequence[SoundReport]) -> Iterator[CorpusFault]:
    read = [report for report in reports if report.rate_hz]
    rates = Counter(report.rate_hz for report in read)
    channels = Counter(report.n_channels for report in read)
    for rate_hz in sorted(rates):
        if rate_hz != RATE_HZ:
            u = next(report.utterance for report in read if report.rate_hz == rate_hz)
            lacks = f"nothing above {rate_hz // 2} Hz is in them" if rate_hz < RATE_HZ else "are resampled when read"
            message = f"{rates[rate_hz]} of {len(read)} utterances have {rate_hz} Hz, not {RATE_HZ}: {lacks}"
            yield CorpusFault("warning", "rate", message, u.where, u.id)
    for n_channels in sorted(channels):
        found = [r.utterance for r in read if r.n_channels == n_channels and r.utterance.channel is None]
        if n_channels > 1 and found:
            message = f"{len(found)} of {len(read)} utterances have {n_channels} channels; their mean is read"
            yield CorpusFault("warning", "channels", message, found[0].where, found[0].id)


def _also(those: Sequence[Utterance]) -> str:
    n_others = len({u.id for u in those}) - 1
    return f"; in {n_others} more utterances" if n_others else ""
