"""A model as arrays and JSON, and back: the same model gives the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, CorruptWeights
from otoscope.decoding.gaussians import Mixtures
from otoscope.recognizers.hmm.features import FrameTransform, FrontEnd
from otoscope.recognizers.hmm.model import HmmModel
from otoscope.recognizers.hmm.tied_states import Node, TiedStates
from otoscope.recognizers.hmm.topology import StateTying, UntiedStates

Arrays = dict[str, NDArray[Any]]


def model_arrays(model: HmmModel, prefix: str = "") -> Arrays:
    """Return the numbers of a model by name; Gaussians in float32, which is what scores are computed in."""
    mixtures = model.mixtures
    arrays: Arrays = {
        f"{prefix}weights": mixtures.weights.astype(np.float32),
        f"{prefix}means": mixtures.means.astype(np.float32),
        f"{prefix}variances": mixtures.variances.astype(np.float32),
        f"{prefix}first": np.asarray(mixtures.first, np.int32),
        f"{prefix}log_loop": model.log_loop.astype(np.float32),
    }
    if model.transform.matrix is not None:
        arrays[f"{prefix}transform"] = model.transform.matrix.astype(np.float32)
    return arrays


def model_json(model: HmmModel) -> dict[str, Any]:
    """Return what is not a number of a model, as JSON values."""
    return {
        "front_end": model.front_end.as_json(),
        "reach": model.transform.reach,
        "tying": tying_json(model.tying),
    }


def model_of(values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], prefix: str = "") -> HmmModel:
    """Return the model that `model_json` and `model_arrays` describe.

    Raises
    ------
    CorruptWeights
        Something is missing, or the parts do not go together.
    """
    try:
        mixtures = Mixtures(*(arrays[f"{prefix}{name}"] for name in ("weights", "means", "variances", "first")))
        return HmmModel(
            FrontEnd.from_json(values["front_end"]),
            FrameTransform(arrays.get(f"{prefix}transform"), int(values["reach"])),
            tying_of(values["tying"]),
            mixtures,
            arrays[f"{prefix}log_loop"].astype(np.float64),
        )
    except (KeyError, TypeError, ValueError, BadInput) as error:
        raise CorruptWeights(f"not a hidden Markov model of this version: {error}") from error


def tying_json(tying: StateTying) -> dict[str, Any]:
    """Return which state has which column, as JSON values; classes of phones are written once."""
    if isinstance(tying, UntiedStates):
        return {"kind": "untied", "n_states": dict(tying.n_states)}
    if not isinstance(tying, TiedStates):
        raise BadInput(f"states tied by {type(tying).__name__} cannot be written")
    asked = {node.name: sorted(node.members) for nodes in tying.trees.values() for node in nodes if not node.is_leaf}
    trees = [
        [phone, state, [None if n.is_leaf else [n.side, n.name, n.yes, n.no] for n in nodes]]
        for (phone, state), nodes in tying.trees.items()
    ]
    return {"kind": "tied", "units": list(tying.units), "classes": asked, "trees": trees}


def tying_of(values: Mapping[str, Any]) -> StateTying:
    """Return what `tying_json` wrote."""
    if values["kind"] == "untied":
        return UntiedStates({unit: int(n) for unit, n in values["n_states"].items()})
    classes = {name: frozenset(members) for name, members in values["classes"].items()}
    trees = {
        (phone, int(state)): tuple(
            Node() if node is None else Node(node[0], node[1], classes[node[1]], int(node[2]), int(node[3]))
            for node in nodes
        )
        for phone, state, nodes in values["trees"]
    }
    return TiedStates(tuple(values["units"]), trees)
