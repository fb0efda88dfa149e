"""How a hybrid recogniser judges texts: learnt from held-out speech with its true texts and with wrong ones.

Two logistic models say how probably each word was said and each place leaves nothing out (`fitting`); the limits are
what nearly all true texts reach, judged by models that were not learnt from their speakers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from otoscope.core import DoesNotFit
from otoscope.core.protocols import Progress
from otoscope.corpora.manifest import Utterance
from otoscope.decoding.tree import forced
from otoscope.recognizers.hybrid.card import SAID_WEIGHTS, TOLD_WEIGHTS
from otoscope.recognizers.hybrid.contradictions import contradictions
from otoscope.recognizers.hybrid.fitting import Evidence, evidence, probabilities
from otoscope.recognizers.hybrid.recognizer import HybridRecognizer
from otoscope.recognizers.wrong_texts import ChangedText, changed_texts, known

REFUSED = 0.03
"""Share of true texts that may be refused."""
SHARES = (1.0, 1.0, 0.25)
"""How many of these for a word, for speech that they leave out, and for all their words, in proportion."""
N_FOLDS = 5
"""Groups of speakers, each judged by what was learnt from the others."""
RIDGE = 1.0
"""Pull of the weights towards those that are used where nothing was learnt."""

Told = Sequence[tuple[Utterance, tuple[str, ...]]]


@dataclass(frozen=True, eq=False)
class Judged:
    """A text of an utterance with the evidence for it; `None` where it is too long for the sound."""

    speaker: str
    text: ChangedText
    evidence: Evidence | None


def least_fits(recognizer: HybridRecognizer, told: Told, *, seed: int = 0) -> dict[str, Any]:
    """Return what of the card judges texts: `said_weights`, `told_weights` and the three limits.

    Parameters
    ----------
    told
        Utterances that the network did not learn from, with what was certainly said.
    seed
        Of the wrong texts.

    Notes
    -----
    Without any utterance all stays as the card has it.
    """
    judged = judged_texts(recognizer, told, seed=seed)
    if not any(one.text.change == "none" and one.evidence for one in judged):
        card = recognizer.card.as_json()
        return {name: card[name] for name in ("said_weights", "told_weights", "least_said", "least_told", "least_fit")}
    return {**learnt_weights(judged), **limits(judged)}


def judged_texts(
    recognizer: HybridRecognizer, told: Told, *, seed: int = 0, progress: Progress | None = None
) -> list[Judged]:
    """Return the evidence for the true text of each utterance, and for wrong ones."""
    rng, acoustic, judged = np.random.default_rng(seed), recognizer.acoustic, []
    pool = sorted({word for _, words in told for word in words})
    every = sorted({tuple(words) for _, words in told})
    for number, (utterance, own) in enumerate(told):
        scores = acoustic.scores([acoustic.samples(utterance.recording())])[0]
        heard = recognizer.heard_words(scores)
        for text in changed_texts(own, pool, every, rng):
            try:
                lexicon = recognizer.pronounced([*text.words, *(word.word for word in heard)])
                path = forced(scores, text.words, lexicon, acoustic.table)
            except DoesNotFit:
                judged.append(Judged(utterance.speaker or "", text, None))
            else:
                against = contradictions(text.words, heard, lexicon, known=recognizer.vocabulary)
                judged.append(Judged(utterance.speaker or "", text, evidence(scores, path, acoustic, against=against)))
        if progress is not None:
            progress(number + 1, len(told))
    return judged


def learnt_weights(judged: Sequence[Judged]) -> dict[str, dict[str, float]]:
    """Return the weights of both logistic models, learnt from texts of which it is known what is right."""
    rows: dict[str, list[tuple[NDArray[np.float64], NDArray[np.float64]]]] = {"said": [], "told": []}
    start = {"said": SAID_WEIGHTS, "told": TOLD_WEIGHTS}
    for one in judged:
        if one.evidence is not None:
            for name, labels, features in (
                ("said", one.text.said, one.evidence.words),
                ("told", one.text.told, one.evidence.places),
            ):
                at, right = known(labels)
                rows[name].append((_columns(features, start[name])[at], right))
    return {f"{name}_weights": _learnt(rows[name], start[name]) for name in rows}


def _columns(features: Mapping[str, NDArray[np.float64]], weights: Mapping[str, float]) -> NDArray[np.float64]:
    n = len(next(iter(features.values())))
    return np.stack([np.ones(n) if name == "bias" else features[name] for name in weights], axis=1)


def _learnt(
    rows: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]], start: Mapping[str, float]
) -> dict[str, float]:
    at = np.array(list(start.values()))
    if rows:
        at = logistic(np.concatenate([x for x, _ in rows]), np.concatenate([y for _, y in rows]), at)
    return dict(zip(start, at.tolist(), strict=True))


def logistic(
    features: NDArray[np.float64], right: NDArray[np.float64], start: NDArray[np.float64], *, ridge: float = RIDGE
) -> NDArray[np.float64]:
    """Return the weights `(n_features,)` of a logistic regression that is pulled towards `start`.

    Parameters
    ----------
    features, right
        `(n, n_features)`, a column of ones among them, and `(n,)` of 0 and 1.

    Notes
    -----
    Least penalized deviance by iteratively reweighted least squares with halved steps (Hastie et al. 2009, section
    4.4.1); the penalty is `ridge` / 2 times the squared distance from `start`.
    """

    def loss(weights: NDArray[np.float64]) -> float:
        odds = features @ weights
        return float((np.logaddexp(0, odds) - right * odds).sum() + ridge / 2 * ((weights - start) ** 2).sum())

    weights, now = start.copy(), loss(start)
    for _ in range(100):
        p = expit(features @ weights)
        slope = features.T @ (p - right) + ridge * (weights - start)
        bend = (features * (p * (1 - p))[:, None]).T @ features + ridge * np.eye(len(start))
        step = np.linalg.solve(bend, slope)
        while (then := loss(weights - step)) > now and np.abs(step).max() > 1e-9:
            step /= 2
        if then >= now - 1e-9:
            break
        weights, now = weights - step, then
    return weights


def limits(judged: Sequence[Judged]) -> dict[str, float]:
    """Return the limits that all but `REFUSED` of true texts reach, each judged by weights learnt from other speakers.

    The three limits refuse by themselves as many as `SHARES` says.
    """
    found: list[tuple[float, float, float]] = []
    for learn, held_out in speaker_folds(judged):
        weights = learnt_weights(learn)
        for one in held_out:
            if one.text.change == "none" and one.evidence is not None:
                found.append(least(one.evidence, weights))
    values = np.array(found)
    values[:, :2] = logit(np.clip(values[:, :2], 1e-12, 1 - 1e-12))

    def quantiles(share: float) -> NDArray[np.float64]:
        return np.array([np.quantile(own, share * part) for own, part in zip(values.T, SHARES, strict=True)])

    shares = np.linspace(0.0, REFUSED, 301)
    refused = [float((values < quantiles(share)).any(1).mean()) for share in shares]
    said, told, mean = quantiles(max(s for s, r in zip(shares, refused, strict=True) if r <= REFUSED))
    return {"least_said": float(expit(said)), "least_told": float(expit(told)), "least_fit": float(mean)}


def least(found: Evidence, weights: Mapping[str, Mapping[str, float]]) -> tuple[float, float, float]:
    """Return the probability of the worst word and of the worst place, and the mean fit."""
    said = probabilities(weights["said_weights"], found.words)
    told = probabilities(weights["told_weights"], found.places)
    return float(said.min()), float(told.min()), found.mean_fit


def speaker_folds(judged: Sequence[Judged]) -> list[tuple[list[Judged], list[Judged]]]:
    """Return for each group of speakers the texts of all others, and its own."""
    fold = {speaker: k % N_FOLDS for k, speaker in enumerate(sorted({one.speaker for one in judged}))}
    return [
        ([one for one in judged if fold[one.speaker] != k], [one for one in judged if fold[one.speaker] == k])
        for k in sorted(set(fold.values()))
    ]


def flagged(one: Judged, fields: Mapping[str, Any]) -> bool:
    """Whether a text would be refused by what `least_fits` returns."""
    if one.evidence is None:
        return True
    said, told, mean = least(one.evidence, fields)
    return said < fields["least_said"] or told < fields["least_told"] or mean < fields["least_fit"]


def flagged_shares(judged: Sequence[Judged]) -> dict[str, float]:
    """Return the share of texts refused by how they were changed, each judged by what other speakers taught."""
    counts: dict[str, list[bool]] = {}
    for learn, held_out in speaker_folds(judged):
        fields = {**learnt_weights(learn), **limits(learn)}
        for one in held_out:
            counts.setdefault(one.text.change, []).append(flagged(one, fields))
    return {change: float(np.mean(found)) for change, found in counts.items()}
