"""The checks of an attribution as a reader sees them: what was measured, what chance would give, what it means."""

from __future__ import annotations

from dataclasses import dataclass

from otoscope.core import Attribution, PerturbationCurve, Trust
from otoscope.views.reading import percent

MATTERS, PLACE, STABLE = "Does it matter?", "Is it in the word?", "Is it stable?"
NO_TIME = "the target has no time of its own"
NOT_CHECKED = "these maps were not checked for it"


@dataclass(frozen=True)
class Check:
    """One measured property of a map, with the value that chance would give. `value` is `None` if not measured.

    `group` is the question it helps to answer, `low` to `high` the scale of its meter, `reason` why it was not measured
    (empty where it was).
    """

    group: str
    name: str
    value: float | None
    chance: float | None
    low: float
    high: float
    unit: str
    meaning: str
    reason: str = ""

    @property
    def text(self) -> str:
        """The value as it is printed."""
        return number(self.value, self.unit) if self.value is not None else "not measured"

    @property
    def chance_text(self) -> str:
        """The chance level as it is printed; empty where there is none, or nothing beside it."""
        return number(self.chance, self.unit) if self.chance is not None and self.value is not None else ""

    @property
    def remark(self) -> str:
        """Why it was not measured, if so, and what it means: whole sentences."""
        why = f"Not measured: {self.reason}. " if self.value is None and self.reason else ""
        return f"{why}{self.meaning[:1].upper()}{self.meaning[1:]}."


def number(value: float, unit: str) -> str:
    """Return a measured value as text, `unit` being `%`, `yes/no`, none or what follows the number.

    Examples
    --------
    >>> number(0.824, "%"), number(1.0, "yes/no"), number(-0.5, ""), number(2.0, "nats")
    ('82 %', 'yes', '−0.50', '2 nats')
    """
    if unit == "%":
        return percent(value)
    if unit == "yes/no":
        return "yes" if value else "no"
    text = f"{value:.3g} {unit}" if unit else f"{value:.2f}" if value else "0"
    return text.replace("-", "−")


def checks(attribution: Attribution) -> tuple[Check, ...]:
    """Return the measured properties of a map, each with its chance level and what it means, question by question."""
    trust = attribution.trust
    return (*_matters(attribution, trust), *_place(attribution, trust), *_stable(attribution, trust), *_others(trust))


def _matters(attribution: Attribution, trust: Trust) -> tuple[Check, ...]:
    change = attribution.score - attribution.baseline_score
    worst = max(trust.infidelity or 0.0, trust.chance_infidelity or 0.0, 1e-9)
    return (
        _loss(trust.curve("deletion"), "Loss without the strongest segments",
              "mean drop of the score as segments are taken away, strongest first (AOPC); more than chance is good"),
        _loss(trust.curve("insertion"), "Loss with the strongest segments only",
              "mean drop of the score when only the strongest are put back; less than chance is good"),
        Check(MATTERS, "Predicts held-out masks", trust.faithfulness_correlation, 0.0, -1, 1, "",
              "correlation of summed relevance with the measured drop of the score; 1 is perfect", NOT_CHECKED),
        Check(MATTERS, "Error on held-out masks", trust.infidelity, trust.chance_infidelity, 0, worst, "nats²",
              "squared distance of the two (infidelity); 0 is perfect, chance deals the same relevances to other "
              "segments", NOT_CHECKED),
        Check(MATTERS, "Completeness gap", attribution.completeness_gap, None, 0, max(abs(change), 1e-9), "nats",
              f"distance of the summed relevance from the whole change of score, {number(change, 'nats')}"),
    )  # fmt: skip


def _loss(curve: PerturbationCurve | None, name: str, meaning: str) -> Check:
    loss, chance = (None, None) if curve is None else (curve.mean_loss, curve.random_mean_loss)
    known = [value for value in (loss, chance, 0.0) if value is not None]
    low, high = min(known), max(*known, min(known) + 1e-9)
    reason = NOT_CHECKED if curve is None else "the curve has no step between its ends, there are too many words"
    return Check(MATTERS, name, loss, None if loss is None else chance, low, high, "nats", meaning, reason)


def _place(attribution: Attribution, trust: Trust) -> tuple[Check, ...]:
    interval = attribution.target.interval
    reason = NO_TIME if interval is None or interval.duration_s <= 0 else NOT_CHECKED
    hit = None if trust.pointing_hit is None else float(trust.pointing_hit)
    flat = "" if trust.size_auc is None else f", size AUC {trust.size_auc:.2f} (1 is flat)"
    return (
        Check(PLACE, "Relevance inside the word", trust.relevance_mass, trust.chance_mass, 0, 1, "%",
              "share of positive relevance within the word's own time; chance is its share of the recording", reason),
        Check(PLACE, "Strongest segment meets the word", hit, None, 0, 1, "yes/no",
              "whether the most relevant segment touches the word (pointing game); chance is the word's share of "
              "the recording", reason),
        Check(PLACE, "The word's segments rank first", trust.rank_accuracy, trust.chance_rank_accuracy, 0, 1, "%",
              "of as many top segments as the word has, the share that is its own (rank accuracy)",
              reason if trust.time_auc is None else "no segment lies mostly within the word"),
        Check(PLACE, "Moments of the word before others", trust.time_auc, 0.5, 0, 1, "",
              "how often a moment of the word has more relevance than one outside it (area under the ROC)", reason),
        Check(PLACE, "Compactness", trust.gini, 0.0, 0, 1, "",
              f"Gini index: 0 is a flat map, near 1 all in one place{flat}; easy to read is not the same as right",
              NOT_CHECKED if (attribution.relevance > 0).any() else "no segment has positive relevance"),
    )  # fmt: skip


def _stable(attribution: Attribution, trust: Trust) -> tuple[Check, ...]:
    exact = "the map is exact, every seed gives the same" if attribution.settings.get("exact") else NOT_CHECKED
    return (
        Check(STABLE, "Agreement between seeds", trust.seed_agreement, 0.0, -1, 1, "",
              "correlation of two maps that differ only in the random masks", exact),
        Check(STABLE, "Agreement between fills", trust.fill_agreement, 0.0, -1, 1, "",
              "correlation of two maps that differ in what replaces removed sound", NOT_CHECKED),
        Check(STABLE, "Likeness to shuffled weights", trust.random_weights_agreement, 0.0, -1, 1, "",
              "rank correlation with the map of the same recogniser that forgot all it learnt; it should be low",
              _reasons(trust).get("shuffled weights", NOT_CHECKED)),
        Check(STABLE, "Likeness to another word's map", trust.other_target_agreement, 0.0, -1, 1, "",
              "the largest correlation with the map of another word heard; a map of this word alone has little",
              "no other word was explained and checked"),
    )  # fmt: skip


def _others(trust: Trust) -> tuple[Check, ...]:
    """Return what else was left out, so that no reason is lost."""
    return tuple(
        Check(STABLE, name[:1].upper() + name[1:], None, None, -1, 1, "", "it says nothing for the map", reason)
        for name, reason in _reasons(trust).items()
        if name != "shuffled weights"
    )


def _reasons(trust: Trust) -> dict[str, str]:
    """Return why checks were left out, by the name before the colon."""
    parts = [sentence.partition(": ") for sentence in trust.not_measured]
    return {name: reason or NOT_CHECKED for name, _, reason in parts}
