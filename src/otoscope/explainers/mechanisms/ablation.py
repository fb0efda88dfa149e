"""Ablation: what a target's score loses when a head, a feed-forward part or a unit brings nothing of its own.

`zero` puts zeros; `mean` the unit's mean over all reference frames, so that what is constant stays; `resample` each
frame from another reference frame drawn at random, so that its distribution stays too (Chan et al. 2022). Zero is far
from what a network is used to: where it and the mean disagree, believe the mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Finding, Recognizer, Recording, Target
from otoscope.core.protocols import Intervenable, Progress
from otoscope.explainers.mechanisms.parts import Node, by_site, residual_nodes
from otoscope.explainers.mechanisms.pictures import bars, made_of
from otoscope.explainers.mechanisms.running import Rows, groups_of, need, run, scores_with, sounds

With = Literal["zero", "mean", "resample"]
MOST_FRAMES = 20_000
"""Reference frames that are kept at a site; of more, so many are drawn."""


def ablate(
    recognizer: Recognizer,
    utterances: Sequence[Any],
    *,
    targets: Sequence[Target] | None = None,
    nodes: Sequence[Node] | None = None,
    by: With = "mean",
    references: Sequence[Any] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Finding:
    """Ablate nodes one at a time.

    Parameters
    ----------
    utterances
        What is heard: recordings, or anything with `recording()`.
    targets
        One an utterance; by default the text heard in it.
    nodes
        By default all heads and feed-forward parts; `parts.units_at` gives the units of a site.
    by
        `zero`, `mean` or `resample`.
    references
        Whose frames give mean and samples; by default the same.
    seed
        Of the samples.
    progress
        Told (utterances done, all).

    Returns
    -------
    Finding
        One row a node, largest loss first: mean `loss` of the score over the recordings in nats, and its standard error
        `error` (`None` for one recording).

    Raises
    ------
    BadInput
        No recording, another number of targets, or an unknown way to ablate.
    NotAble
        The recogniser cannot be changed inside.
    """
    need(recognizer, Intervenable)
    recordings = sounds(utterances)
    if by not in get_args(With) or not recordings:
        raise BadInput(f"ablation needs a recording and one of {', '.join(get_args(With))}, got {by!r}")
    asked = _targets(recognizer, recordings, targets)
    chosen = tuple(nodes) if nodes is not None else residual_nodes(recognizer, recordings[0])
    own = Ablation(by, sounds(references or recordings), seed)
    losses = []
    for done, (recording, target) in enumerate(zip(recordings, asked, strict=True)):
        whole = float(recognizer.score([recording], [target])[0, 0])
        losses.append(whole - _scores(recognizer, recording, target, chosen, own))
        if progress is not None:
            progress(done + 1, len(recordings))
    mean = np.mean(losses, axis=0)
    error = np.std(losses, axis=0, ddof=1) / len(losses) ** 0.5 if len(losses) > 1 else None
    order = np.argsort(-mean, kind="stable")
    labels = [chosen[i].label for i in order]
    return Finding(
        "ablation",
        f"Of {len(chosen)} nodes {labels[0]} is missed most: {mean[order[0]]:.2f} nats by {by} ablation, mean of "
        f"{len(recordings)} recordings.",
        tuple(
            {"node": chosen[i].label, "loss": float(mean[i]), "error": None if error is None else float(error[i])}
            for i in order
        ),
        (
            bars(
                f"Loss by {by} ablation",
                labels,
                mean[order],
                y_label="loss (nats)",
                caption="Mean loss of the score when one node brings nothing of its own; the strongest nodes.",
            ),
        ),
        made_of(recognizer, recordings, None, by=by, seed=seed, targets=[target.label for target in asked]),
    )


@dataclass(frozen=True, eq=False)
class Ablation:
    """How nodes are ablated: by what, out of which recordings, with which seed."""

    by: With
    references: Sequence[Recording]
    seed: int = 0

    def stand_in(self, recognizer: Recognizer, target: Target, sites: Sequence[str]) -> dict[str, Rows]:
        """Return the frames of all references at each site, `MOST_FRAMES` at most; `target` is what they are run for.

        For zero ablation one frame of zeros, for the mean one frame.
        """
        rng = np.random.default_rng(self.seed)
        kept: dict[str, list[Rows]] = {site: [] for site in sites}
        most = max(1, MOST_FRAMES // len(self.references))
        for recording in self.references:
            for site, rows in passed(recognizer, recording, target, sites).items():
                if self.by != "resample":
                    kept[site].append(np.array([rows.sum(0), np.full(rows.shape[1], len(rows))]))
                else:
                    kept[site].append(rows[rng.permutation(len(rows))[:most]])
        if self.by == "resample":
            return {site: np.concatenate(rows) for site, rows in kept.items()}
        totals = {site: np.sum(rows, 0) for site, rows in kept.items()}
        return {s: (t[0] / t[1] if self.by == "mean" else 0 * t[0])[None] for s, t in totals.items()}


def passed(recognizer: Recognizer, recording: Recording, target: Target, sites: Sequence[str]) -> dict[str, Rows]:
    """Return what passes sites in a recording, whatever it says: an utterance of the target's label is asked about."""
    return dict(run(recognizer, recording, Target.utterance(target.label), sites=sites).seen)


def _targets(recognizer: Recognizer, recordings: Sequence[Recording], targets: Sequence[Target] | None) -> list[Target]:
    if targets is None:
        heard = [recognizer.trace(recording).text for recording in recordings]
        if not all(heard):
            raise BadInput("nothing was heard in one of the recordings; give targets")
        return [Target.utterance(text) for text in heard]
    if len(targets) != len(recordings):
        raise BadInput(f"{len(targets)} targets for {len(recordings)} recordings; one each is needed")
    return list(targets)


def _scores(
    recognizer: Recognizer, recording: Recording, target: Target, nodes: Sequence[Node], how: Ablation
) -> NDArray[np.float64]:
    """Return the score with each node ablated."""
    found = np.empty(len(nodes))
    chosen = by_site(node.part for node in nodes)
    rng = np.random.default_rng(how.seed)
    for group in groups_of(recognizer, tuple(chosen), 2 * recording.duration_s):
        stand_in = how.stand_in(recognizer, target, group)
        seen = run(recognizer, recording, target, sites=group).seen
        for site in group:
            rows = stand_in[site]
            other = rows[rng.integers(len(rows), size=len(seen[site]))].astype(seen[site].dtype)
            values = _ablated([nodes[i] for i in chosen[site]], seen[site], other)
            found[chosen[site]] = scores_with(recognizer, recording, target, values, at=site)
    return found


def _ablated(nodes: Sequence[Node], base: Rows, other: Rows) -> Iterator[Rows]:
    return (node.part.put(base, other) for node in nodes)
