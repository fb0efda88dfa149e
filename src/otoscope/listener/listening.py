"""The listener: ears, a mental lexicon, decisions. A recording goes in, a Percept comes out.

A simulation of the DIANA type (ten Bosch, Boves and Ernestus 2015, 2022; Nenadić and ten Bosch 2022): activation of all
words every 10 ms, a winner when the leader is far enough ahead, a reaction time. Its parameters are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Emissions, HeardWord, Percept, Provenance, Recording, Trace
from otoscope.decoding.tree.units import PhoneModels
from otoscope.lexicon.mental_lexicon import Forms, MentalLexicon
from otoscope.lexicon.ngram.model import NGramModel
from otoscope.listener.competing import Competition, Search, compete
from otoscope.listener.deciding import Criterion, Decision, DecisionRule, HickHyman, decide
from otoscope.listener.ears.ears import Ears
from otoscope.listener.evidence import Evidence, evidence_from
from otoscope.listener.execution import Constant, Execution
from otoscope.listener.phone_loop import PhoneBigram
from otoscope.listener.races import race_of_competition
from otoscope.listener.shares import Candidate, Shares, lead_shares
from otoscope.listener.spans import speech_span
from otoscope.listener.strings_left import StringsLeft, strings_left
from otoscope.listener.word_tree import WordTree

Heard = Recording | Trace | Emissions | Evidence
N_SHOWN = 30
"""Competitors that a Percept keeps."""
AFTER_S = 0.3
"""Silence that the listener takes to follow a recording."""


@dataclass(frozen=True)
class Settings:
    """Parameters of the listener; none is a published default of DIANA, whose values could not be read.

    Parameters
    ----------
    frequency_weight
        λ: what word frequency counts beside the sound.
    acoustic_scale
        κ of the posteriors.
    running_weight
        λ in running speech, where every frame may begin a word.
    running_scale
        κ of the posteriors in running speech.
    running_doubt
        Odds, against the leader of a place in running speech, that none of its words was said there.
    search
        `viterbi` or `forward`.
    rule
        When the leader has won.
    running
        When a word of running speech has won; the time to choose after its end takes no part.
    word_penalty
        Nats taken off for each word of running speech.
    context_weight
        What the logarithm of P(word | words before) counts, where a context model is given.
    execution
        How long answering takes.

    Notes
    -----
    The defaults were chosen on speech of validation alone, against the whole English lexicon. λ names the most words
    rightly (of 0 to 6) over 239 words of the eight voices of `otoscope.listener.ears.voices.VALIDATION`, half drawn
    evenly and half by frequency, and 265 by people (fsdd, WUW Corpus II); by greatest likelihood on the former it would
    be 3.0. κ is then that of greatest likelihood. The lead and its hold let one of 223 words that are right at the end
    be decided otherwise (of 5, 10, 15, 20, 25, 30, 40 nats and 1, 3, 5 frames). β (of 0.03, 0.1, 0.2 s a bit) is the
    one whose slope of lexical decision times on frequency is nearest to people's; urgency (of 0.3, 0.5, 1 s) hardly
    matters. Running speech, chosen on all of librispeech-mini (valid), by frequency and in the context of a trigram
    model: `running_weight` (of 2, 3, 4, 5, 6, 8) makes the fewest word errors, mean of the two (λ 3: 1.6 points more);
    `context_weight` and `word_penalty` (of 4 to 8, and -8 to 12) hardly matter around their values; lead, hold and
    urgency of `running` are those whose first winners have the highest F1 against the spoken words (`python
    benchmarks/running_speech.py --corpus librispeech-mini --context-model FILE --jobs criteria`); `running_scale` and
    `running_doubt` are those of the least log-loss of decided words, right or wrong, by their highest probability
    (`--jobs calibration`). Fitted on two of the three speakers and judged on the third, these err by .025 over all
    words (expected calibration error; κ of single words and no doubt: .21), but by .07 to .15 for a speaker alone, as
    one is understood better than another.
    """

    frequency_weight: float = 2.0
    acoustic_scale: float = 0.18
    running_weight: float = 4.0
    running_scale: float = 0.12
    running_doubt: float = 0.18
    search: Search = "viterbi"
    rule: DecisionRule = field(
        default_factory=lambda: DecisionRule(Criterion(lead=20.0, hold_frames=5), HickHyman(beta_s=0.2), urgency_s=0.5)
    )
    running: DecisionRule = field(
        default_factory=lambda: DecisionRule(Criterion(lead=20.0, hold_frames=1), urgency_s=0.3)
    )
    word_penalty: float = 0.0
    context_weight: float = 5.0
    execution: Execution = field(default_factory=Constant)


class WordListener:
    """A person who hears words, simulated; implements `otoscope.core.protocols.Listener`.

    Parameters
    ----------
    lexicon
        The words known; English by default.
    ears
        The front end for recordings; `listener-en` by default. Traces and emissions of any recogniser are taken too.
    settings
        Parameters.
    """

    def __init__(
        self, lexicon: MentalLexicon | None = None, *, ears: Ears | None = None, settings: Settings | None = None
    ) -> None:
        self.lexicon = lexicon or MentalLexicon.english()
        self.settings = settings or Settings()
        self._ears = ears
        self._trees: dict[int, tuple[PhoneModels, WordTree]] = {}
        self._bigrams: dict[tuple[str, ...], PhoneBigram] = {}

    @property
    def forms(self) -> Forms:
        """What competes: the different phone strings of the lexicon."""
        return self.lexicon.forms

    def name(self, form: int) -> str:
        """Return the words of a form: the most frequent, and homophones at least a tenth as frequent."""
        words = self.forms.words[form]
        frequent = [w for w in words if self.lexicon.per_million[w] >= 0.1 * self.lexicon.per_million[words[0]]]
        return "/".join(self.lexicon.words[w] for w in frequent[:3])

    @property
    def ears(self) -> Ears:
        """The front end for recordings, opened when it is first needed."""
        if self._ears is None:
            self._ears = Ears.load()
        return self._ears

    def evidence(self, heard: Heard) -> Evidence:
        """Return what is heard every 10 ms, by the listener's own ears or from what a recogniser made of it."""
        if isinstance(heard, Evidence):
            return heard
        if isinstance(heard, Recording):
            after = np.zeros(round(AFTER_S * heard.rate_hz), np.float32)
            return self.ears.hear(replace(heard, samples=np.concatenate([heard.samples, after])))
        return evidence_from(heard)

    def tree(self, models: PhoneModels) -> WordTree:
        """Return the tree of the lexicon for a front end's phone models, built once for each."""
        known = self._trees.get(id(models))
        if known is None:
            forms = self.forms
            known = models, WordTree.build(forms.phones, models, forms.log_prior, words=forms.words)
            self._trees[id(models)] = known
        return known[1]

    def compete(
        self, heard: Heard, *, track: Sequence[int] = (), offset_s: float | None = None, n_kept: int = 200
    ) -> Competition:
        """Return the competition of all words for one that is said alone; see `otoscope.listener.competing.compete`."""
        evidence, settings = self.evidence(heard), self.settings
        return compete(
            evidence, self.tree(evidence.models), frequency_weight=settings.frequency_weight,
            acoustic_scale=settings.acoustic_scale, search=settings.search, n_kept=n_kept, track=track,
            offset_s=offset_s,
        )  # fmt: skip

    def decide(
        self, competition: Competition, *, offset_s: float | None = None, evidence: Evidence | None = None
    ) -> Decision:
        """Return the decision that the listener's rule comes to; one that counts pseudowords needs the evidence."""
        choosing, n_pseudowords = self.settings.rule.choosing, 0
        if choosing is not None and choosing.beta_pseudo_s and offset_s is not None:
            if evidence is None:
                raise BadInput("the rule asks how many pseudowords could be meant; give the evidence too")
            n_pseudowords = self.pseudowords_left(evidence, offset_s).n
        race = race_of_competition(competition)
        return decide(race, self.settings.rule, offset_s=offset_s, n_pseudowords=n_pseudowords)

    def pseudowords_left(self, evidence: Evidence, offset_s: float) -> StringsLeft:
        """Return how many strings of phones that are no words are within the rule's margin of the best at the offset.

        Phones follow one another as in the lexicon; see `otoscope.listener.strings_left`.
        """
        if self.settings.rule.choosing is None:
            raise BadInput("the rule has no time to choose after the offset, and so no margin")
        phones = tuple(evidence.models.phones)
        if phones not in self._bigrams:
            self._bigrams[phones] = PhoneBigram.counted(phones, self.forms.phones)
        n_frames = int(np.searchsorted(evidence.grid.times_s(), offset_s - 1e-9)) + 1
        margin = self.settings.rule.choosing.margin
        return strings_left(
            evidence, margin=margin, bigram=self._bigrams[phones], n_frames=n_frames, apart_from=self.forms.index
        )

    def __call__(self, heard: Heard) -> Percept:
        """Return what the listener makes of one word said alone."""
        evidence = self.evidence(heard)
        span = speech_span(evidence)
        offset_s = None if span is None else span[1]
        competition = self.compete(evidence, offset_s=offset_s)
        decision = self.decide(competition, offset_s=offset_s, evidence=evidence)
        words = () if span is None or decision.form is None else (self._heard(decision, span),)
        return self.percept(competition, words, origin=evidence.origin, offset_s=offset_s)

    def running(self, heard: Heard, *, context: NGramModel | None = None) -> Percept:
        """Return what the listener makes of running speech: a sequence of winners, and when each had won.

        Parameters
        ----------
        heard
            A recording, or what a recogniser or the ears made of one.
        context
            An n-gram model, whose P(word | words before) then decides which words of those that the sound left were
            said; see `otoscope.listener.running_speech.hear_running`, which tells the rivals as well.
        """
        from otoscope.listener.running_speech import hear_running

        return hear_running(self, self.evidence(heard), context=context).percept

    def _heard(self, decision: Decision, span: tuple[float, float]) -> HeardWord:
        assert decision.form is not None
        assert decision.time_s is not None
        answered = decision.time_s + self.settings.execution.mean_s
        return HeardWord(self.name(decision.form), *span, decision.time_s, answered, decision.confidence)

    def percept(
        self,
        competition: Competition,
        heard: Sequence[HeardWord],
        *,
        origin: Provenance,
        offset_s: float | None = None,
        n_words: int = N_SHOWN,
    ) -> Percept:
        """Return a competition as a Percept: the words that won and those that were likeliest at some time."""
        won = {word.label for word in heard}
        shown = likeliest(competition, n_words)
        shown += [int(f) for f in np.unique(competition.forms[:, 0]) if self.name(int(f)) in won - set(
            map(self.name, shown))]  # fmt: skip
        values = np.stack([competition.kept(form) for form in shown], axis=1)
        return Percept(
            tuple(self.name(form) for form in shown), values, competition.grid,
            posteriors=competition.posterior(shown), heard=tuple(heard), offset_s=offset_s,
            provenance=self.provenance(origin),
        )  # fmt: skip

    def shares(self, heard: Heard, *, offset_s: float | None = None, n_rivals: int = 6) -> Shares:
        """Return why the word ahead at the end is ahead: each phone's share of its lead over its nearest rivals."""
        evidence = self.evidence(heard)
        final = self.compete(evidence, offset_s=offset_s).final
        ranked = [int(form) for form in np.argsort(-final, kind="stable")[: 20 * n_rivals] if np.isfinite(final[form])]
        rivals = [form for form in ranked[1:] if self.forms.are_rivals(ranked[0], form)][:n_rivals]
        winner, *others = (self._candidate(form) for form in (ranked[0], *rivals))
        return lead_shares(evidence, winner, others)

    def _candidate(self, form: int) -> Candidate:
        weighted = self.settings.frequency_weight * float(self.forms.log_prior[form])
        return Candidate(self.name(form), self.forms.phones[form], weighted)

    def provenance(self, origin: Provenance) -> Provenance:
        """Return who heard: the listener with its lexicon and parameters, and the front end."""
        ears: dict[str, Any] = {"name": origin.recognizer, "weights_sha256": origin.weights_sha256}
        settings = asdict(replace(self.settings, execution=Constant(self.settings.execution.mean_s)))
        parameters = {"n_words": len(self.lexicon), "n_forms": len(self.forms), **settings, "ears": ears}
        return Provenance("listener", version("otoscope"), None, parameters)


def likeliest(competition: Competition, n: int) -> list[int]:
    """Return the forms of highest posterior at any frame, highest first."""
    log_p = competition.acoustic_scale * competition.activations - competition.log_total[:, None]
    forms, best = np.unique(competition.forms, return_inverse=True)
    top: NDArray[np.float64] = np.full(forms.size, -np.inf)
    np.maximum.at(top, best.ravel(), log_p.ravel())
    return [int(form) for form in forms[np.argsort(-top, kind="stable")[:n]]]
