"""The information plane of an acoustic network while it learns words that differ by one tone burst.

Nothing is known in advance here; the estimators' ceilings and shuffled labels say what may be read from it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from otoscope.core import Interval, Recording
from otoscope.core.protocols import Progress
from otoscope.explainers.information import (
    Recorder,
    activations_at,
    chosen_epochs,
    information_plane,
    labelled_instants,
    reduced,
)
from otoscope.nets.training import observed
from otoscope.studies.result import StudyResult
from otoscope.testing.planted import PlantedUtterance, planted_cue_corpus, planted_recognizer, teach

N_UTTERANCES = 45
STEP_S = 0.01
N_DIMS = 3
BIN_WIDTH = 0.3
NOISE_VARIANCE = 0.01
"""In units of a layer's root mean square: bins of a third of it, noise of a tenth."""


def acoustic_plane(
    *, epochs: int = 24, n_looks: int = 12, n_dims: int = N_DIMS, seed: int = 0, progress: Progress | None = None
) -> StudyResult:
    """Teach a CTC network and follow its layers, frame by frame, through the information plane.

    The inputs X are instants of utterances the network is not taught with, inside the burst and as long elsewhere; Y is
    the word that the burst says, or "carrier". Layers are wide, so X and Y are met in the `n_dims` main directions of
    each layer's last epoch, in units of its root mean square there (`otoscope.explainers.information.reduced`).

    Parameters
    ----------
    epochs
        Passes over the training utterances.
    n_looks
        Epochs at which layers are looked at, even on a logarithmic scale; from the first, since the scale of features
        is measured as training begins.
    n_dims
        Directions kept of each layer.
    seed
        Of network and corpora.
    progress
        Called with (epochs done, all), then with (layers measured, all).

    Returns
    -------
    StudyResult
        A row for each epoch and layer, as `information_plane` has them.
    """
    began = time.perf_counter()
    recognizer = planted_recognizer(seed)
    utterances = planted_cue_corpus(2 * seed + 1, n_utterances=N_UTTERANCES)
    instants = labelled_instants([burst_and_carrier(u) for u in utterances], step_s=STEP_S, seed=seed)
    recordings: Sequence[Recording] = [u.sound for u in utterances]
    sites = [site.name for site in recognizer.sites()]
    recorder = Recorder(
        lambda: activations_at(recognizer, recordings, instants, sites), epochs=chosen_epochs(epochs, n=n_looks)
    )
    with observed(recorder):
        teach(recognizer, seed=seed, epochs=epochs, progress=progress)
    found = information_plane(
        reduced(recorder.snapshots, n_dims=n_dims),
        instants.labels,
        bin_width=BIN_WIDTH,
        noise_variance=NOISE_VARIANCE,
        seed=seed,
        progress=progress,
    )
    return StudyResult(
        name="information-plane",
        summary=found.summary,
        table=found.table,
        panels=found.panels,
        provenance={
            **found.provenance,
            "recognizer": recognizer.provenance.recognizer,
            "weights_sha256": recognizer.provenance.weights_sha256,
            "version": recognizer.provenance.version,
            "corpus": "otoscope.testing.planted_cue_corpus",
            "n_utterances": len(utterances),
            "n_dims": n_dims,
            "failures": list(found.failures),
        },
        seconds=time.perf_counter() - began,
    )


def burst_and_carrier(utterance: PlantedUtterance) -> tuple[Interval, ...]:
    """Return the burst, and as long a stretch labelled "carrier": at the end of the sound that is farther from it."""
    burst, end_s = utterance.segment, utterance.sound.duration_s
    early = burst.start_s > end_s - burst.end_s
    start_s = 0.0 if early else end_s - burst.duration_s
    carrier = Interval(start_s, start_s + burst.duration_s, "carrier", origin="synthetic")
    word = Interval(burst.start_s, burst.end_s, utterance.text, origin="synthetic")
    return (carrier, word) if early else (word, carrier)
