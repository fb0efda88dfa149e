"""Parts of items: gates that end early, and two items spliced at the boundary of phones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from otoscope.core import BadInput, Interval, Recording, Tier
from otoscope.listener.stimuli.items import Item, Kind, faint_noise, later
from otoscope.signal.masking import raised_cosine
from otoscope.signal.splicing import concatenated

FADE_S = 0.005


def gates(
    item: Item, *, step_s: float = 0.05, first_s: float | None = None, fade_s: float = FADE_S, seed: int = 0
) -> tuple[Item, ...]:
    """Return an item cut off after ever more of it, the whole item last (gating, Grosjean 1980).

    Each gate is followed by faint noise for as long as the whole recording lasts, so that nothing tells how much is to
    come. `details` has `gate` (from 1) and `gate_s`, the speech heard; `phone_times` stay those of the whole item.

    Parameters
    ----------
    item
        Its onset is where gates are counted from.
    step_s
        From gate to gate, seconds (Grosjean's were 30 ms, later studies' mostly 50).
    first_s
        Length of the first gate; one step by default.
    fade_s
        Raised cosine at the end of a gate.
    seed
        Of the faint noise.

    Raises
    ------
    BadInput
        The step is not above 0, or shorter than the fade.
    """
    first = step_s if first_s is None else first_s
    if step_s <= 0 or first < fade_s:
        raise BadInput(
            f"gates need steps above 0 and a first one of at least {fade_s:g} s, got {step_s:g} and {first:g}"
        )
    n_gates = 1 + max(0, int(np.ceil((item.duration_s - first) / step_s - 1e-9)))
    lengths = [min(first + nth * step_s, item.duration_s) for nth in range(n_gates)]
    numbered = enumerate(lengths, start=1)
    return tuple(_gated(item, length, number, fade_s=fade_s, seed=seed) for number, length in numbered)


def _gated(item: Item, length_s: float, number: int, *, fade_s: float, seed: int) -> Item:
    recording = item.sound
    end = min(recording.n_samples, round((item.onset_s + length_s) * recording.rate_hz))
    samples = recording.samples.copy()
    if length_s < item.duration_s:
        n_fade = min(end, round(fade_s * recording.rate_hz))
        samples[end - n_fade : end] *= raised_cosine(n_fade)[::-1]
        samples[end:] = faint_noise(samples.size - end, seed=seed)
    return replace(
        item,
        label=f"{item.label}@{round(1000 * length_s)}ms",
        recording=recording.with_samples(samples),
        speech_s=(item.onset_s, item.onset_s + length_s),
        details={**item.details, "gate": number, "gate_s": length_s, "item": item.label},
    )


def cross_spliced(
    first: Item,
    second: Item,
    *,
    at: int,
    at_second: int | None = None,
    shift_s: float = 0.0,
    crossfade_s: float = FADE_S,
    condition: str = "",
) -> Item:
    """Return the beginning of one item with the end of another, joined where two phones meet.

    With `jog` and `job` spliced before the last phone, the vowel says one thing and the consonant another:
    subcategorical mismatch (Marslen-Wilson and Warren 1994). The result counts as the second item; its label is
    `jo|b`-like: both labels with a bar.

    Parameters
    ----------
    first, second
        Of one rate, with phone times.
    at
        How many phones are from the first.
    at_second
        From which phone on the second is heard; `at` by default.
    shift_s
        Moves both joins later (or, below 0, earlier), so that more of the first, or the transition, stays.
    crossfade_s
        Over which the one fades into the other, centred on the join.

    Raises
    ------
    BadInput
        There is no such boundary, or nothing is left of an item.
    """
    start = at if at_second is None else at_second
    if not (0 < at <= len(first.times) and 0 <= start < len(second.times)):
        raise BadInput(
            f"1 to {len(first.times)} phones of {first.label!r} and 0 to {len(second.times) - 1} of {second.label!r} "
            f"can be spliced, got {at} and {start}"
        )
    half = crossfade_s / 2
    leave_s, enter_s = first.boundary_s(at) + shift_s, second.boundary_s(start) + shift_s
    if leave_s - half <= first.onset_s or enter_s + half >= second.offset_s or enter_s - half < 0:
        raise BadInput(f"a join {shift_s:g} s from the boundary leaves nothing of {first.label!r} or {second.label!r}")
    before = first.sound.cut(0.0, leave_s + half)
    after = second.sound.cut(enter_s - half, second.sound.duration_s)
    sound = concatenated([before, after], crossfade_s=crossfade_s)
    moved_s = sound.duration_s - second.sound.duration_s
    head, tail = list(first.times)[:at], list(later(second.times, moved_s))[start:]
    join_s = leave_s
    head[-1] = replace(head[-1], end_s=join_s)
    tail[0] = replace(tail[0], start_s=join_s)
    tier = Tier("phones", (*head, *tail))
    return Item(
        label=f"{first.label}|{second.label}",
        word=second.word if at == start and tier.labels == second.phones else None,
        phones=tier.labels,
        kind=_kind(second, tier),
        condition=condition or second.condition,
        recording=sound,
        phone_times=tier,
        voice=second.voice,
        details={"first": first.label, "second": second.label, "join_s": join_s},
    )


def _kind(second: Item, tier: Tier) -> Kind:
    return second.kind if tier.labels == second.phones else "other"


def with_phone_from(item: Item, position: int, sound: Recording, *, crossfade_s: float = FADE_S) -> Item:
    """Return an item with another sound in the place of a phone; later phones move by the difference in length.

    Parameters
    ----------
    item
        With phone times.
    position
        Which phone, from 0.
    sound
        What stands there instead, `crossfade_s` longer than the phone where it has neighbours on both sides (half of
        the fade on each side).

    Raises
    ------
    BadInput
        There is no such phone.
    """
    start_s, end_s = _span(item, position)
    recording, half = item.sound, crossfade_s / 2
    lead, rest = start_s - half > 0, end_s + half < recording.duration_s
    parts = [recording.cut(0.0, start_s + half)] if lead else []
    parts.append(sound)
    parts += [recording.cut(end_s - half, recording.duration_s)] if rest else []
    joined = concatenated(parts, crossfade_s=crossfade_s)
    moved_s = joined.duration_s - recording.duration_s
    phones = list(item.times)
    changed = Interval(start_s, end_s + moved_s, phones[position].label, origin="synthetic")
    tier = Tier("phones", (*phones[:position], changed, *later(Tier("rest", tuple(phones[position + 1 :])), moved_s)))
    speech = (item.onset_s, item.offset_s + moved_s)
    return replace(item, recording=joined, phone_times=tier, speech_s=speech)


def phone_sound(item: Item, position: int, *, crossfade_s: float = FADE_S) -> Recording:
    """Return one phone with half a cross-fade of its neighbours on each side, as `with_phone_from` takes it."""
    start_s, end_s = _span(item, position)
    return item.sound.cut(start_s - crossfade_s / 2, end_s + crossfade_s / 2)


def _span(item: Item, position: int) -> tuple[float, float]:
    if not 0 <= position < len(item.times):
        raise BadInput(f"{item.label!r} has phones 0 to {len(item.times) - 1}, got {position}")
    return item.times[position].start_s, item.times[position].end_s
