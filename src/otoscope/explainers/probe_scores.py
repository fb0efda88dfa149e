"""A speaker, an intent, a sex as something to be explained: what a linear probe reads from a layer takes the score.

`teach` makes the probe, told apart from what it learnt by heart by utterances it was not taught; `ProbedRecognizer`
then answers "how much does this sound speak for that label", which every method that only listens explains.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, Provenance, Recognizer, Recording, Target, Trace, UnknownName
from otoscope.core.arrays import ByValue, frozen_array, set_frozen
from otoscope.core.protocols import Progress
from otoscope.explainers.layers.reading import LayerReader
from otoscope.explainers.layers.sites import last_layer, layer_sites
from otoscope.explainers.layers.tokens import frames_in

KIND = "otoscope-probe"


@dataclass(frozen=True, eq=False)
class LinearProbe(ByValue):
    """Scores of labels from the mean over the frames of a layer: xᵀ weights + offsets, a softmax over labels.

    Parameters
    ----------
    site, labels
        Which layer, and what is told apart.
    weights, offsets
        `(n_units, n_labels)` and `(n_labels,)`.
    recognizer, weights_sha256
        Whose layer it was taught on: it means nothing to another.
    accuracy, chance, n_held_out
        On utterances it was not taught: share that it named rightly, share of the commonest label, and how many.
    """

    site: str
    labels: tuple[str, ...]
    weights: NDArray[np.float64]
    offsets: NDArray[np.float64]
    recognizer: str
    weights_sha256: str | None
    accuracy: float
    chance: float
    n_held_out: int

    def __post_init__(self) -> None:
        weights = frozen_array(self.weights, n_dims=2, name="weights", dtype=np.float64)
        offsets = frozen_array(self.offsets, n_dims=1, name="offsets", dtype=np.float64)
        if weights.shape[1] != len(self.labels) or offsets.size != len(self.labels) or len(self.labels) < 2:
            raise BadInput(f"a probe of {len(self.labels)} labels has weights {weights.shape}, offsets {offsets.shape}")
        set_frozen(self, weights=weights, offsets=offsets, labels=tuple(self.labels))

    def log_probs(self, vector: NDArray[Any]) -> NDArray[np.float64]:
        """Return the natural-log probability of each label, `(n_labels,)`, given the mean frame `(n_units,)`."""
        scores = vector @ self.weights + self.offsets
        return np.asarray(scores - np.logaddexp.reduce(scores))

    @property
    def failures(self) -> tuple[str, ...]:
        """Why its explanations should not be believed: it is hardly better than chance."""
        error = np.sqrt(self.chance * (1 - self.chance) / max(1, self.n_held_out))
        if self.accuracy > self.chance + 2 * error:
            return ()
        return (f"the probe is right in {self.accuracy:.0%} of {self.n_held_out} sounds, chance {self.chance:.0%}",)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write as JSON."""
        from otoscope.io.writing import write_text

        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        plain = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in fields.items()}
        write_text(Path(path), json.dumps({"kind": KIND, **plain}))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> LinearProbe:
        """Open what `save` wrote.

        Raises
        ------
        BadInput
            The file is not there, or holds no probe.
        """
        try:
            held = json.loads(Path(path).read_text(encoding="utf-8"))
            if held.pop("kind") != KIND:
                raise KeyError("kind")
            numbers = {name: np.array(held.pop(name), dtype=np.float64) for name in ("weights", "offsets")}
            return cls(**{**held, **numbers, "labels": tuple(held["labels"])})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInput(f"{path} holds no probe ({type(error).__name__}); make one with teach(…).save(…)") from error


def teach(
    recognizer: Recognizer,
    utterances: Sequence[Any],
    held_out: Sequence[Any],
    *,
    label: str | Mapping[str, str] = "speaker",
    site: str | None = None,
    strength: float = 1.0,
    progress: Progress | None = None,
) -> LinearProbe:
    """Teach a probe on some utterances, and tell how well it does on others.

    Parameters
    ----------
    recognizer
        One whose inside is open.
    utterances, held_out
        With `id`, `speaker`, `text` and `recording(rate_hz=...)`.
    label
        `speaker`, `text`, or labels by utterance id.
    site
        The layer; by default the last.
    strength
        1 over the ridge of the logistic regression on standardised units.
    progress
        Called with (utterances heard, all).

    Raises
    ------
    NotAble
        The recogniser's inside is not open.
    BadInput
        There is one label only, an utterance has none, nothing is held out, or the site has no row a frame.
    """
    from sklearn.linear_model import LogisticRegression

    where = site or last_layer(layer_sites(recognizer))
    everything = [*utterances, *held_out]
    names = np.array([_label(utterance, label) for utterance in everything])
    n = len(utterances)
    if len(set(names[:n])) < 2 or not held_out:
        raise BadInput("a probe needs two labels at least, and utterances that it is not taught")
    x = _means_of(LayerReader(recognizer, where), everything, progress)
    mean, scale = x[:n].mean(0), x[:n].std(0) + 1e-6
    model = LogisticRegression(C=strength, max_iter=2000).fit((x[:n] - mean) / scale, names[:n])
    own, offsets = model.coef_, model.intercept_
    if len(own) == 1:
        own, offsets = np.vstack([np.zeros_like(own), own]), np.array([0.0, offsets[0]])
    weights = (own / scale).T
    right = model.predict((x[n:] - mean) / scale) == names[n:]
    chance = max(float((names[n:] == each).mean()) for each in set(names[:n]))
    made = recognizer.provenance
    return LinearProbe(
        where,
        tuple(str(each) for each in model.classes_),
        weights,
        offsets - mean @ weights,
        made.recognizer,
        made.weights_sha256,
        float(right.mean()),
        chance,
        len(held_out),
    )


def _means_of(layer: LayerReader, utterances: Sequence[Any], progress: Progress | None) -> NDArray[np.float64]:
    """Return the mean frame of a layer in each utterance, `(n_utterances, n_units)`."""
    vectors = []
    for done, utterance in enumerate(utterances, start=1):
        vectors.append(_mean_of(layer(utterance.recording(rate_hz=16000)), None))
        if progress is not None:
            progress(done, len(utterances))
    return np.stack(vectors)


class ProbedRecognizer:
    """Wraps a recogniser: it hears as before, and the score of a target is the log probability of a label at its place.

    Scores are natural logs; a target without an interval takes the mean over all frames, one with a rival the log odds
    of the two labels.

    Raises
    ------
    BadInput
        The probe was taught on another recogniser.
    """

    def __init__(self, recognizer: Recognizer, probe: LinearProbe) -> None:
        own = recognizer.provenance
        if (own.recognizer, own.weights_sha256) != (probe.recognizer, probe.weights_sha256):
            raise BadInput(f"the probe was taught on {probe.recognizer}, of other weights than {own.recognizer}'s here")
        self.recognizer, self.probe = recognizer, probe
        self._layer = LayerReader(recognizer, probe.site)

    @property
    def name(self) -> str:
        """The recogniser's name and the layer."""
        return f"{self.recognizer.name}, probe of {self.probe.site}"

    @property
    def provenance(self) -> Provenance:
        """The recogniser's, and what is asked of which layer."""
        own = self.recognizer.provenance
        digest = hashlib.sha256(self.probe.weights.tobytes() + self.probe.offsets.tobytes()).hexdigest()
        asked = {"scores": "probe", "site": self.probe.site, "labels": list(self.probe.labels), "probe_sha256": digest}
        return dataclasses.replace(own, parameters={**own.parameters, **asked})

    @property
    def doubted_because(self) -> tuple[str, ...]:
        """Why no map of these scores should be believed: what the probe itself failed."""
        return self.probe.failures

    def trace(self, recording: Recording, *, record: Sequence[str] = ()) -> Trace:
        """Return what the recogniser makes of a recording."""
        return self.recognizer.trace(recording, record=record)

    def target(self, recording: Recording, label: str | None = None) -> Target:
        """Return a label as a target; by default the likeliest in this recording.

        Raises
        ------
        UnknownName
            The probe has no such label.
        """
        if label is None:
            found = self.probe.log_probs(_mean_of(self._layer(recording), None))
            label = self.probe.labels[int(found.argmax())]
        self._index(label)
        return Target.utterance(label)

    def score(
        self, recordings: Sequence[Recording], targets: Sequence[Target], *, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Return the log probability of each target's label at its place, `(n_recordings, n_targets)`.

        Raises
        ------
        UnknownName
            The probe has no such label.
        """
        columns = [(self._index(t.label), None if t.rival is None else self._index(t.rival)) for t in targets]
        scores = np.empty((len(recordings), len(targets)))
        for row, recording in enumerate(recordings):
            layer = self._layer(recording)
            for column, (target, (label, rival)) in enumerate(zip(targets, columns, strict=True)):
                found = self.probe.log_probs(_mean_of(layer, target))
                scores[row, column] = found[label] - (0.0 if rival is None else found[rival])
            if progress is not None:
                progress(row + 1, len(recordings))
        return scores

    def _index(self, label: str) -> int:
        if label not in self.probe.labels:
            raise UnknownName("label", label, self.probe.labels)
        return self.probe.labels.index(label)


def _label(utterance: Any, label: str | Mapping[str, str]) -> str:
    if isinstance(label, str) and label not in ("speaker", "text"):
        raise BadInput(f"labels are those of speaker or text, or given by utterance id, not {label!r}")
    own = getattr(utterance, label) if isinstance(label, str) else label.get(str(utterance.id))
    if own is None or not str(own).strip():
        raise BadInput(f"utterance {utterance.id} has no label; leave it out, or give it one")
    return str(own)


def _mean_of(layer: Any, target: Target | None) -> NDArray[np.float64]:
    """Return the mean over the frames of a target's interval, or over all."""
    place = None if target is None else target.interval
    rows = layer.values if place is None else frames_in(layer, place.start_s, place.end_s)
    return np.asarray(rows, dtype=np.float64).mean(0)
