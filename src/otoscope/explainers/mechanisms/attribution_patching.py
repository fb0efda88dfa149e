"""Attribution patching: every patch at once, to first order.

Patching a part changes the score by about its change times the gradient there: one gradient a site in the place of one
run a part (Nanda 2023; Syed, Rager & Conmy 2023, equation 2). Wrong where the network saturates, which is why some of
the patches are made in earnest too and the agreement is reported.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otoscope.core import Finding, Interval, Recognizer, Recording
from otoscope.core.protocols import Differentiable, Intervenable, Progress
from otoscope.explainers.mechanisms.pairs import Pair, pair_of
from otoscope.explainers.mechanisms.parts import Part, by_site
from otoscope.explainers.mechanisms.patching import (
    Asked,
    Direction,
    both_passed,
    map_panel,
    parts_of_pair,
    patched_scores,
    place_of,
    sides,
)
from otoscope.explainers.mechanisms.pictures import made_of
from otoscope.explainers.mechanisms.running import need
from otoscope.metrics.agreement import pearson, spearman

LEAST_AGREEMENT = 0.5


def attribution_patch(
    recognizer: Recognizer,
    recording: Recording,
    corrupted: Recording | str = "silence",
    *,
    target: Asked = None,
    sites: Sequence[str] | None = None,
    stretches: int | Sequence[Interval] = 12,
    direction: Direction = "denoising",
    n_checked: int = 24,
    seed: int = 0,
    progress: Progress | None = None,
) -> Finding:
    """Estimate what `patch` would find, from one gradient a site, and check the estimate.

    Parameters
    ----------
    n_checked
        Parts that are patched in earnest: half of them those of the largest estimates, half drawn at random.
    seed
        Of the draw. The other parameters are those of `patch`.

    Returns
    -------
    Finding
        One row a site and stretch: `estimate`, and `effect` where it was checked, else `None`. `provenance` holds the
        Pearson and Spearman correlation of the two; a Pearson correlation below 0.5 is a failure.

    Raises
    ------
    NotAble
        The recogniser has no gradient, or cannot be changed inside.
    """
    need(recognizer, Intervenable, Differentiable)
    pair = pair_of(recognizer, recording, corrupted, target)
    parts = parts_of_pair(recognizer, pair, sites=sites, stretches=stretches)
    estimates = estimated_effects(recognizer, pair, parts, direction=direction, progress=progress)
    chosen = _chosen([i for i, p in enumerate(parts) if p.span is not None], estimates, n_checked, seed)
    true = patched_scores(recognizer, pair, [parts[i] for i in chosen], direction=direction)
    effects = dict(zip(chosen, pair.normalized(true).tolist(), strict=True))
    known = [effects[i] for i in chosen]
    agreement = {"pearson": pearson(known, estimates[chosen]), "spearman": spearman(known, estimates[chosen])}
    failures = list(pair.failures)
    if len(chosen) > 2 and not agreement["pearson"] >= LEAST_AGREEMENT:
        failures.append(f"estimates and true effects correlate by {agreement['pearson']:.2f} only")
    found = {"direction": direction, "n_checked": len(chosen), "seed": seed, **agreement}
    return Finding(
        "attribution-patching",
        f"{len(parts)} patches estimated from {len(by_site(parts))} gradients; of {len(chosen)} that were made, the "
        f"estimates correlate with the true effects by {agreement['pearson']:.2f} (ranks {agreement['spearman']:.2f}).",
        tuple(
            {**place_of(part), "estimate": float(estimate), "effect": effects.get(i)}
            for i, (part, estimate) in enumerate(zip(parts, estimates, strict=True))
        ),
        (map_panel(pair, parts, estimates, title=f"Attribution patching, {direction}", failures=failures),),
        made_of(recognizer, (pair.clean, pair.corrupted), pair.target, **found),
        tuple(failures),
    )


def estimated_effects(
    recognizer: Recognizer,
    pair: Pair,
    parts: Sequence[Part],
    *,
    direction: Direction = "denoising",
    progress: Progress | None = None,
) -> NDArray[np.float64]:
    """Return the first-order estimate of each part's effect, `(n_parts,)`: change at the part × gradient there."""
    heard, source = sides(pair, direction)
    at_rest = pair.normalized(pair.score_corrupted if direction == "denoising" else pair.score_clean)
    found, n_done = np.empty(len(parts)), 0
    chosen = by_site(parts)
    for site, base, other in both_passed(recognizer, (heard, source), pair.target, tuple(chosen)):
        slope = recognizer.gradient(heard, pair.target, at=site)  # type: ignore[attr-defined]
        product = (other - base) * slope
        for i in chosen[site]:
            found[i] = float(at_rest + parts[i].of(product).sum() / pair.gap)
        n_done += len(chosen[site])
        if progress is not None:
            progress(n_done, len(parts))
    return found


def _chosen(local: Sequence[int], estimates: NDArray[np.float64], n_checked: int, seed: int) -> list[int]:
    """Return half of the places with the largest estimates, half at random among the others."""
    order = sorted(local, key=lambda i: -abs(estimates[i]))
    first, rest = order[: n_checked // 2], order[n_checked // 2 :]
    n_more = min(len(rest), n_checked - len(first))
    drawn = np.random.default_rng(seed).permutation(len(rest))[:n_more].tolist()
    return sorted([*first, *(rest[i] for i in drawn)])
