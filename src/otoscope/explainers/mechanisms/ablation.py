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
        Told (utterances done, all; several times over where not all sites fit into memory).

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
    own = Ablation(by, recordings, asked, seed)
    if references is not None:
        others = sounds(references)
        own = Ablation(by, others, [Target.utterance(asked[0].label)] * len(others), seed)
    losses = _losses(recognizer, recordings, asked, chosen, how=own, progress=progress)
    made = made_of(recognizer, recordings, None, by=by, seed=seed, targets=[target.label for target in asked])
    return _finding(chosen, losses, by, made)


def _finding(nodes: Sequence[Node], losses: NDArray[np.float64], by: With, made: dict[str, Any]) -> Finding:
    n, mean = len(losses), losses.mean(0)
    error = losses.std(0, ddof=1) / n**0.5 if n > 1 else None
    order = np.argsort(-mean, kind="stable")
    labels = [nodes[i].label for i in order]
    rows = tuple(
        {"node": nodes[i].label, "loss": float(mean[i]), "error": None if error is None else float(error[i])}
        for i in order
    )
    panel = bars(
        f"Loss by {by} ablation",
        labels,
        mean[order],
        y_label="loss (nats)",
        caption="Mean loss of the score when one node brings nothing of its own; the strongest nodes.",
    )
    most = f"{labels[0]} is missed most: {mean[order[0]]:.2f} nats by {by} ablation, mean of {n} recordings."
    return Finding("ablation", f"Of {len(nodes)} nodes {most}", rows, (panel,), made)


@dataclass(frozen=True, eq=False)
class Ablation:
    """How nodes are ablated: by what, out of which recordings and what is asked about in each, with which seed."""

    by: With
    references: Sequence[Recording]
    targets: Sequence[Target]
    seed: int = 0

    def stand_in(self, recognizer: Recognizer, sites: Sequence[str]) -> dict[str, Rows]:
        """Return the frames of all references at each site, `MOST_FRAMES` at most.

        For zero ablation one frame of zeros, for the mean one frame.
        """
        rng = np.random.default_rng(self.seed)
        kept: dict[str, list[Rows]] = {site: [] for site in sites}
        most = max(1, MOST_FRAMES // len(self.references))
        for recording, target in zip(self.references, self.targets, strict=True):
            for site, rows in run(recognizer, recording, target, sites=sites).seen.items():
                if self.by != "resample":
                    kept[site].append(np.array([rows.sum(0), np.full(rows.shape[1], len(rows))]))
                else:
                    kept[site].append(rows[rng.permutation(len(rows))[:most]])
        if self.by == "resample":
            return {site: np.concatenate(rows) for site, rows in kept.items()}
        totals = {site: np.sum(rows, 0) for site, rows in kept.items()}
        return {s: (t[0] / t[1] if self.by == "mean" else 0 * t[0])[None] for s, t in totals.items()}


def _targets(recognizer: Recognizer, recordings: Sequence[Recording], targets: Sequence[Target] | None) -> list[Target]:
    if targets is None:
        heard = [recognizer.trace(recording).text for recording in recordings]
        if not all(heard):
            raise BadInput("nothing was heard in one of the recordings; give targets")
        return [Target.utterance(text) for text in heard]
    if len(targets) != len(recordings):
        raise BadInput(f"{len(targets)} targets for {len(recordings)} recordings; one each is needed")
    return list(targets)


def _losses(
    recognizer: Recognizer,
    recordings: Sequence[Recording],
    targets: Sequence[Target],
    nodes: Sequence[Node],
    *,
    how: Ablation,
    progress: Progress | None,
) -> NDArray[np.float64]:
    """Return what the score of each recording loses with each node ablated, `(n_recordings, n_nodes)`."""
    found = np.empty((len(recordings), len(nodes)))
    chosen = by_site(node.part for node in nodes)
    groups = list(groups_of(recognizer, tuple(chosen), 2 * max(each.duration_s for each in recordings)))
    for done, group in enumerate(groups):
        stand_in = how.stand_in(recognizer, group)
        for row, (recording, target) in enumerate(zip(recordings, targets, strict=True)):
            rng = np.random.default_rng([how.seed, row])
            heard = run(recognizer, recording, target, sites=group)
            for site in group:
                seen, rows = heard.seen[site], stand_in[site]
                other = rows[rng.integers(len(rows), size=len(seen))].astype(seen.dtype)
                values = _ablated([nodes[i] for i in chosen[site]], seen, other)
                found[row, chosen[site]] = heard.score - scores_with(recognizer, recording, target, values, at=site)
            if progress is not None:
                progress(done * len(recordings) + row + 1, len(groups) * len(recordings))
    return found


def _ablated(nodes: Sequence[Node], base: Rows, other: Rows) -> Iterator[Rows]:
    return (node.part.put(base, other) for node in nodes)
