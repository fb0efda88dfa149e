"""The booth: a listener, voices that speak what has no recording, and what one trial of hearing a word tells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from otoscope.core import BadInput, Interval, Recording, Tier
from otoscope.lexicon.pronunciations import Phones
from otoscope.listener.competing import Competition
from otoscope.listener.deciding import Decision
from otoscope.listener.ears.voices import VALIDATION
from otoscope.listener.evidence import Evidence
from otoscope.listener.experiments.plans import Plan
from otoscope.listener.listening import WordListener
from otoscope.listener.paths import form_path
from otoscope.listener.phone_loop import PhoneBigram
from otoscope.listener.spans import speech_span
from otoscope.listener.stimuli.items import Item, Kind, with_quiet_around
from otoscope.listener.stimuli.speaking import AMERICAN, Speaker

VOICES = tuple(voice for voice in VALIDATION if voice.partition("+")[0] == AMERICAN)
"""Who speaks by default: American voices that the listener was never trained on, which give the times of phones."""
RATE_HZ = 16000
AROUND_S = 0.3
"""Pause put before and after a user's recording: people hear no word that begins with the file."""


@dataclass(frozen=True, eq=False)
class Booth:
    """Who listens and who speaks.

    Parameters
    ----------
    listener
        With its lexicon and settings.
    voices
        Items without a recording are spoken by these in turn.
    seed
        Of noises.
    gate_s
        Step of gating.
    """

    listener: WordListener
    voices: Sequence[str] = VOICES
    seed: int = 0
    gate_s: float = 0.05

    @cached_property
    def bigram(self) -> PhoneBigram:
        """How phones follow one another in the lexicon."""
        return PhoneBigram.counted(self.listener.ears.card.phones, self.listener.forms.phones)

    def speaker(self, plan: Plan) -> Speaker:
        """Return who speaks an item: the voice its row names, or the next in turn."""
        return Speaker(plan.get("voice") or self.voices[plan.number % len(self.voices)])

    def item(self, plan: Plan, *, word: str = "word", phones: str = "pronunciation", sound: str = "sound") -> Item:
        """Return an item with its sound, by the names of its columns: the recording, else the word or phones spoken."""
        file = plan.get(sound)
        if file is not None:
            return self._recorded(plan, plan.get(word), plan.phones(phones), file)
        said = plan.phones(phones)
        named = plan.get(word)
        if said is not None:
            kind: Kind = "word" if named is not None else "pseudoword"
            return replace(self.speaker(plan).phones(said, label=named, kind=kind), word=named)
        if named is None:
            raise BadInput(f"{plan.label!r} has neither a word, a pronunciation nor a sound")
        return self.speaker(plan).word(named, self.listener.lexicon)

    def said(self, plan: Plan, phones: Phones) -> Item:
        """Return a string of phones, spoken."""
        return self.speaker(plan).phones(phones)

    def _recorded(self, plan: Plan, word: str | None, phones: Phones | None, file: str) -> Item:
        recording = with_quiet_around(Recording.read(file, rate_hz=RATE_HZ), AROUND_S, seed=self.seed)
        onset_s, offset_s = plan.number_of("onset_s"), plan.number_of("offset_s")
        if onset_s is not None and offset_s is not None:
            span = onset_s + AROUND_S, offset_s + AROUND_S
        else:
            heard = speech_span(self.listener.evidence(recording))
            if heard is None:
                raise BadInput(f"{file}: nobody is heard to speak")
            span = heard[0], min(heard[1], recording.duration_s)
        return Item(plan.label, word, phones, "word" if word else "pseudoword", recording=recording, speech_s=span,
                    voice=plan.get("voice") or "recording")  # fmt: skip

    def timed(self, item: Item) -> Item:
        """Return an item with the times of its phones; those of a recording are aligned by the listener's ears."""
        if item.phone_times is not None:
            return item
        evidence = self.listener.evidence(item.sound)
        ways: Iterable[Phones] = [item.phones] if item.phones is not None else self.ways(item.word)
        paths = [(form_path(evidence, way), way) for way in ways]
        path, phones = max(paths, key=lambda pair: pair[0].score)
        edges = evidence.grid.edges_s()
        spans = [path.frames_of(place + 1) for place in range(len(phones))]
        if any(span is None for span in spans):
            raise BadInput(f"the phones {' '.join(phones)} of {item.label!r} cannot be found in its recording")
        behind = item.sound.duration_s
        found = [Interval(float(edges[a]), min(float(edges[b]), behind), phone, origin="aligned")
                 for (a, b), phone in zip((s for s in spans if s is not None), phones, strict=True)]  # fmt: skip
        tier = Tier("phones", tuple(found))
        return replace(item, phones=phones, phone_times=tier, speech_s=(tier[0].start_s, tier[-1].end_s))

    def ways(self, word: str | None) -> tuple[Phones, ...]:
        """Return how a word is said."""
        if word is None:
            raise BadInput("a recording of no word needs its pronunciation")
        lexicon = self.listener.lexicon
        return lexicon.pronunciations[lexicon.position(word)]

    def forms(self, word: str) -> list[int]:
        """Return the forms of a word."""
        return list(self.listener.lexicon.forms_of(word))

    def hear(
        self, item: Item, track: Sequence[int] = (), *, evidence: Evidence | None = None
    ) -> tuple[Competition, Decision, tuple[float, float]]:
        """Return the competition for an item, the decision and where speech was heard (else where it is).

        What the ears made of it may be given, where something was done to that.
        """
        evidence = self.listener.evidence(item.sound) if evidence is None else evidence
        span = speech_span(evidence) or (item.onset_s, item.offset_s)
        heard = self.listener.compete(evidence, track=track, offset_s=span[1])
        return heard, self.listener.decide(heard, offset_s=span[1], evidence=evidence), span

    def about(self, plan: Plan, item: Item, condition: str = "") -> dict[str, Any]:
        """Return the columns that say what a trial is about."""
        people = plan.human_rt_s
        return {
            "item": plan.label,
            "word": item.word,
            "condition": " · ".join(part for part in (plan.get("condition"), condition) if part) or "all",
            "voice": item.voice,
            "sound": plan.get("sound"),
            "phones": None if item.phones is None else " ".join(item.phones),
            "duration_s": item.duration_s,
            "human_rt_s": float(np.mean(people)) if people else None,
            "n_human": len(people),
        }

    def answered(self, item: Item, decision: Decision, target: str | None) -> dict[str, Any]:
        """Return the columns that say what was decided, and when: seconds from the onset of the item."""
        forms, execution_s = self.listener.forms, self.listener.settings.execution.mean_s
        right = None
        if target is not None:
            words = () if decision.form is None else forms.words[decision.form]
            right = self.listener.lexicon.position(target) in words
        decided = None if decision.time_s is None else decision.time_s - item.onset_s
        return {
            "recognised": right,
            "heard": None if decision.form is None else self.listener.name(decision.form),
            "how": decision.how,
            "t_decision_s": decided,
            "t_exec_s": execution_s,
            "rt_s": None if decided is None else decided + execution_s,
        }

    def word_trial(self, plan: Plan, item: Item, *, target: str | None = None, condition: str = "") -> dict[str, Any]:
        """Return one trial of recognising a word: what it is about, the answer, and p(target) at the end."""
        named = target or item.word
        forms = [] if named is None else self.forms(named)
        competition, decision, _ = self.hear(item, forms)
        p = float(competition.final_posterior()[forms].sum()) if forms else None
        return {**self.about(plan, item, condition), **self.answered(item, decision, named), "p_target": p}
