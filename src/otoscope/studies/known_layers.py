"""Answers known in advance about layers: what measures of similarity ignore, and where a sabotaged network goes wrong.

Similarity: an invertible map changes no canonical correlation, a rotation and a scale no CKA (Kornblith et al. 2019,
table 1). Lens: the planted circuit with a last block that exchanges two words has them right until the block before.
"""

from __future__ import annotations

import numpy as np

from otoscope.explainers.layers import lens
from otoscope.metrics.similarity import linear_cka, pwcca, svcca
from otoscope.studies.known_answers import Check
from otoscope.testing.circuits import circuit_sound, planted_circuit


def similarity_of_maps() -> list[Check]:
    """CCA under an invertible map is 1, CKA under a rotation and a scale too, but not under an invertible map."""
    rng = np.random.default_rng(0)
    frames = rng.normal(size=(500, 8)) * np.arange(1, 9)
    general = rng.normal(size=(8, 8))
    rotation, _ = np.linalg.qr(general)
    return [
        Check("SVCCA of X and XA, A invertible", 1, svcca(frames, frames @ general, kept=1.0), 1e-9),
        Check("PWCCA of X and XA, A invertible", 1, pwcca(frames, frames @ general), 1e-9),
        Check("CKA of X and a rotated, scaled X", 1, linear_cka(frames, 3 * frames @ rotation), 1e-9),
        Check("CKA of X and XA is below 0.98", 1, float(linear_cka(frames, frames @ general) < 0.98), 0),
    ]


def sabotaged_layer() -> list[Check]:
    """The lens on the planted circuit: right until the last block but one, wrong at the end; whole, nothing is lost."""
    checks = []
    for sabotaged in (False, True):
        case = planted_circuit(0, sabotaged=sabotaged)
        found = lens(case.recognizer, circuit_sound("p", seed=0), reference="p").provenance
        lost = [int(word["right_until"].rpartition(".")[2]) for word in found["regressive"]]
        which = "sabotaged" if sabotaged else "whole"
        checks.append(Check(f"words lost on the way, {which} network", int(sabotaged), len(lost), 0))
        if sabotaged:
            checks.append(Check("last block that has the lost word", case.last_right, lost[0] if lost else -1, 0))
    return checks
