"""From a recording of any length to verdicts about each of its words, also as a tier beside them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from otoscope.core import BadInput, Finding, Interval, Provenance, Recording, Tier, Trace
from otoscope.recognizers.whisper.doubt_evidence import Evidence, evidence_of
from otoscope.recognizers.whisper.doubts import RULE, Rule, Verdict, doubts_panel, verdicts
from otoscope.recognizers.whisper.heads import HeadChoice
from otoscope.recognizers.whisper.long import hear_long
from otoscope.recognizers.whisper.options import Options
from otoscope.recognizers.whisper.parts import Parts
from otoscope.recognizers.whisper.windows import WindowResult, hear_windows

DOUBTS = "doubts"
"""Name of the tier."""


def evidence_in(parts: Parts, options: Options, heads: HeadChoice, recording: Recording) -> tuple[Evidence, ...]:
    """Return the evidence about every word that is heard in a recording of any length; times are those of the whole.

    Raises
    ------
    NotRecorded
        The checkpoint was opened with `attention="sdpa"`.
    """
    return tuple(evidence for window in _windows(parts, options, heads, recording) for evidence in window)


def _windows(parts: Parts, options: Options, heads: HeadChoice, recording: Recording) -> Iterator[tuple[Evidence, ...]]:
    if recording.duration_s <= parts.front_end.window_s:
        (result,) = hear_windows(parts, [recording], options)
        yield () if result.skipped else _evidence(parts, options, heads, recording, (result, len(result.tokens)))
        return
    for stretch in hear_long(parts, recording, options, by=options.long, condition=options.condition):
        if not stretch.segments:
            continue
        stop = max(segment.rows.stop for segment in stretch.segments)
        cut = recording.cut(stretch.start_s, stretch.start_s + stretch.duration_s)
        for own in _evidence(parts, options, heads, cut, (stretch.result, stop)):
            at = own.word
            moved = dataclasses.replace(at, start_s=at.start_s + stretch.start_s, end_s=at.end_s + stretch.start_s)
            yield (dataclasses.replace(own, word=moved),)


def _evidence(
    parts: Parts, options: Options, heads: HeadChoice, recording: Recording, heard: tuple[WindowResult, int]
) -> tuple[Evidence, ...]:
    result, stop = heard
    return evidence_of(
        parts,
        recording,
        result.prefix,
        result.tokens[:stop],
        no_speech=result.no_speech_prob,
        heads=heads,
        language="en" if options.task == "translate" else result.language,
    )


def judged(
    parts: Parts, options: Options, heads: HeadChoice, trace: Trace | Recording, *, rule: Rule = RULE
) -> tuple[Verdict, ...]:
    """Return a verdict for each word of a Trace that this recogniser made, or of what it hears in a recording.

    The sound is heard anew, and then again along the text with parts of it silenced: about seven times the work of
    hearing it.

    Raises
    ------
    BadInput
        Another text is heard than the Trace holds: it was made by another recogniser, or with other options.
    NotRecorded
        The checkpoint was opened with `attention="sdpa"`.
    """
    recording = trace.recording if isinstance(trace, Trace) else trace
    evidence = evidence_in(parts, options, heads, recording)
    found = verdicts(evidence, rule=rule)
    if isinstance(trace, Trace) and tuple(v.word for v in found) != trace.hypothesis.words:
        raise BadInput(
            f"the words of the Trace are not those that {parts.name} hears now; judge it by the recogniser and options "
            "that made it"
        )
    return found


def doubts_tier(found: tuple[Verdict, ...]) -> Tier:
    """Return the words that count as made up as a tier: each label says why, each score is the probability."""
    return Tier(
        DOUBTS,
        tuple(
            Interval(
                v.at.start_s,
                v.at.end_s,
                f"{v.word}: made up? {'; '.join(d.kind for d in v.doubts) or 'all evidence together'}",
                score=v.probability,
                origin=v.at.origin,
            )
            for v in found
            if v.made_up
        ),
    )


def doubts_finding(found: tuple[Verdict, ...], who: Provenance, heard: Trace | Recording) -> Finding:
    """Return verdicts about what a recogniser wrote: a row for each word, and a table of the words in doubt."""
    made_up = [v.word for v in found if v.made_up]
    told = f"{len(made_up)} of {len(found)} words that {who.recognizer} wrote may be said by nobody"
    rows = tuple(
        {
            "word": v.word,
            "start_s": v.at.start_s,
            "end_s": v.at.end_s,
            "probability_made_up": v.probability,
            "made_up": v.made_up,
            "why": "; ".join(doubt.reason for doubt in v.doubts),
        }
        for v in found
    )
    provenance = {
        "recognizer": who.recognizer,
        "version": who.version,
        "weights_sha256": who.weights_sha256,
        "parameters": dict(who.parameters),
        "recording": (heard.recording if isinstance(heard, Trace) else heard).digest,
        "seed": who.seed,
        "rule": {"weights": dict(RULE.weights), "bias": RULE.bias, "threshold": RULE.threshold},
    }
    summary = f"{told}: {', '.join(made_up)}." if made_up else f"{told}."
    return Finding(DOUBTS, summary, rows, (doubts_panel(found),), provenance)
