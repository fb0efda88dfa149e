"""The stages of training, each from what the one before it left: monophones, triphones, LDA + MLLT, speakers' maps.

The order and the reasons are those of the classical recipes (Young et al., The HTK Book; Povey et al. 2011).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadInput, DoesNotFit
from otoscope.core.arrays import ByValue
from otoscope.core.protocols import Progress
from otoscope.decoding.gaussians import Occupancy, single_gaussians
from otoscope.decoding.tree.forced import best_path
from otoscope.decoding.tree.transcripts import TranscriptGraphs
from otoscope.lexicon.pronunciations import Phones
from otoscope.recognizers.hmm.adaptation import apply, fmllr
from otoscope.recognizers.hmm.estimation import Counts, Schedule, count, grown, train, variance_floor
from otoscope.recognizers.hmm.examples import Examples, Spoken
from otoscope.recognizers.hmm.features import FrameTransform, FrontEnd, spliced
from otoscope.recognizers.hmm.flat_start import flat_model
from otoscope.recognizers.hmm.model import HmmModel
from otoscope.recognizers.hmm.topology import SILENCE, StateTying, UntiedStates
from otoscope.recognizers.hmm.transforms import lda, mapped, mllt
from otoscope.recognizers.hmm.tree_clustering import TreePlan, context_statistics, grow

FRAMES_A_GAUSSIAN = 100
"""Fewer frames tell too little of a mean and a variance."""


@dataclass(frozen=True)
class Plan:
    """How long each stage trains, and how big its model becomes.

    Parameters
    ----------
    mono, retold, tri, lda, sat
        Schedules of the stages.
    flat_frames
        Frames, of utterances evenly chosen, that the first stage hears; all others, and an only one, hear everything.
    tree
        Leaves of the phonetic decision trees.
    reach, n_dims
        Frames on either side that LDA sees, and directions it keeps.
    """

    mono: Schedule = field(default_factory=lambda: Schedule(8, 800, 2))
    retold: Schedule = field(default_factory=lambda: Schedule(2, 1000, 2))
    tri: Schedule = field(default_factory=lambda: Schedule(5, 6000, 3))
    lda: Schedule = field(default_factory=lambda: Schedule(6, 8000, 3))
    sat: Schedule = field(default_factory=lambda: Schedule(4, 8000, 3))
    flat_frames: int = 400_000
    tree: TreePlan = field(default_factory=TreePlan)
    reach: int = 4
    n_dims: int = 40

    def times(self, factor: float) -> Plan:
        """Return the plan with so many times the leaves and, in the stages of triphones, the Gaussians.

        Raises
        ------
        BadInput
            The factor leaves less than a leaf or a Gaussian.
        """
        fewest = min(self.tree.n_leaves, self.tri.n_gaussians, self.lda.n_gaussians, self.sat.n_gaussians)
        if fewest * factor < 1:
            raise BadInput(
                f"size={factor:g} leaves less than one leaf or Gaussian of the plan; "
                f"take {1 / fewest:g} or more, 1 for three hours"
            )
        larger: dict[str, Any] = {
            name: replace(schedule, n_gaussians=round(schedule.n_gaussians * factor))
            for name, schedule in (("tri", self.tri), ("lda", self.lda), ("sat", self.sat))
        }
        return replace(self, tree=replace(self.tree, n_leaves=round(self.tree.n_leaves * factor)), **larger)

    def within(self, n_frames: int) -> Plan:
        """Return the plan with so few Gaussians that each has `FRAMES_A_GAUSSIAN` frames."""
        most = max(1, n_frames // FRAMES_A_GAUSSIAN)
        fewer: dict[str, Any] = {
            name: replace(schedule, n_gaussians=min(schedule.n_gaussians, most))
            for name, schedule in vars(self).items()
            if isinstance(schedule, Schedule)
        }
        return replace(self, **fewer)


@dataclass(frozen=True, eq=False)
class Stage(ByValue):
    """What a stage leaves: a model, and what is said in each utterance."""

    model: HmmModel
    spoken: tuple[Spoken, ...]


def monophones(
    examples: Examples, front_end: FrontEnd, tying: UntiedStates, plan: Plan, *, progress: Progress | None = None
) -> Stage:
    """Train units without context from a flat start; silences between words are found on the way."""
    heard = examples.evenly(plan.flat_frames)
    model, _ = train(flat_model(heard, front_end, tying), heard, plan.mono, progress=progress)
    return Stage(model, examples.spoken)


def retold(
    before: Stage,
    examples: Examples,
    lexicon: Mapping[str, Sequence[Phones]],
    schedule: Schedule,
    *,
    progress: Progress | None = None,
) -> Stage:
    """Choose among pronunciations by the model of the stage before, and train on with what was chosen."""
    spoken = settled(before.model, examples, lexicon)
    model, _ = train(before.model, examples.with_spoken(spoken), schedule, progress=progress)
    return Stage(model, spoken)


def settled(model: HmmModel, examples: Examples, lexicon: Mapping[str, Sequence[Phones]]) -> tuple[Spoken, ...]:
    """Return what is said with pronunciations and silences decided by the best path.

    An utterance that is too short for its words keeps its first pronunciations.
    """
    graphs = TranscriptGraphs(lexicon, model)
    found = []
    for index, spoken in enumerate(examples.spoken):
        scores = model.scores(model.transform(examples.cepstra[examples.span(index)]))
        try:
            path = best_path(scores, graphs(examples.words[index]))
        except DoesNotFit:
            found.append(
                Spoken.of_units([u for u, free in zip(spoken.units, spoken.optional, strict=True) if not free])
            )
            continue
        found.append(Spoken.of_units([phone.phone for phone in path.phones]))
    return tuple(found)


def triphones(before: Stage, examples: Examples, plan: Plan, *, progress: Progress | None = None) -> Stage:
    """Tie the states of triphones on the alignment of the stage before and train them, on the same kind of frames."""
    examples = examples.with_spoken(before.spoken)
    frames = examples.frames(before.model.transform)
    counts = count(before.model, examples, frames)
    model = retied(before.model, examples, frames, counts, plan.tree)
    model, _ = train(model, examples, plan.tri, frames=frames, near=counts.chain_states, progress=progress)
    return Stage(model, before.spoken)


def discriminant(before: Stage, examples: Examples, plan: Plan, *, progress: Progress | None = None) -> Stage:
    """Learn LDA on the tied states, tie states anew on its frames, and train; MLLT turns the space on the way."""
    examples = examples.with_spoken(before.spoken)
    counts = count(before.model, examples, examples.frames(before.model.transform))
    columns = columns_of(examples, counts, before.model.tying)
    spans = [examples.span(i) for i in range(len(examples))]
    pairs = ((spliced(examples.cepstra[span], plan.reach), columns[span]) for span in spans)
    matrix = lda(pairs, len(before.model.tying.names), plan.n_dims)
    transform = FrameTransform(matrix.astype(np.float32), plan.reach)
    frames = examples.frames(transform)
    model = retied(replace(before.model, transform=transform), examples, frames, counts, plan.tree)
    n_turns = max(1, plan.lda.n_rounds // 2)
    for turn in range(n_turns):
        counts = count(model, examples, frames, near=counts.chain_states)
        n_gaussians = plan.lda.target(turn, model.mixtures.n_states)
        model = grown(model, counts, frames, n_gaussians=n_gaussians, n_passes=plan.lda.n_passes)
        model, frames = turned(model, counts, frames)
        if progress is not None:
            progress(turn + 1, plan.lda.n_rounds)
    rest = replace(plan.lda, n_rounds=max(1, plan.lda.n_rounds - n_turns))
    told = _going_on(progress, n_turns, plan.lda.n_rounds)
    model, _ = train(model, examples, rest, frames=frames, near=counts.chain_states, progress=told)
    return Stage(model, before.spoken)


def turned(model: HmmModel, counts: Counts, frames: NDArray[np.float32]) -> tuple[HmmModel, NDArray[np.float32]]:
    """Return a model whose space MLLT has turned, given where each state was, and the frames in it."""
    assert model.transform.matrix is not None  # only LDA's space is turned
    square, _ = mllt(model.mixtures, frames, counts.occupancy)
    transform = FrameTransform((square @ model.transform.matrix).astype(np.float32), model.transform.reach)
    return replace(model, transform=transform, mixtures=mapped(model.mixtures, square, frames)), (
        frames @ square.T.astype(np.float32)
    )


def speaker_adapted(before: Stage, examples: Examples, plan: Plan, *, progress: Progress | None = None) -> Stage:
    """Train on frames that each speaker's own map has made alike (speaker-adaptive training)."""
    examples = examples.with_spoken(before.spoken)
    plain = examples.frames(before.model.transform)
    counts = count(before.model, examples, plain)
    frames = speaker_mapped(before.model, examples, plain, counts)
    counts = count(before.model, examples, frames, near=counts.chain_states)
    model = retied(before.model, examples, frames, counts, plan.tree)
    half = max(1, plan.sat.n_rounds // 2)
    first = replace(plan.sat, n_rounds=half, n_gaussians=plan.sat.n_gaussians // 2)
    model, _ = train(model, examples, first, frames=frames, near=counts.chain_states, progress=progress)
    counts = count(model, examples, frames, near=counts.chain_states)
    frames = speaker_mapped(model, examples, plain, counts)
    rest = replace(plan.sat, n_rounds=max(1, plan.sat.n_rounds - half))
    told = _going_on(progress, half, plan.sat.n_rounds)
    model, _ = train(model, examples, rest, frames=frames, near=counts.chain_states, progress=told)
    return Stage(model, before.spoken)


def _going_on(progress: Progress | None, n_done: int, n_rounds: int) -> Progress | None:
    """Return what tells rounds that come after `n_done` others of a stage."""
    return None if progress is None else lambda done, _: progress(min(n_done + done, n_rounds), n_rounds)


def speaker_mapped(
    model: HmmModel, examples: Examples, frames: NDArray[np.float32], counts: Counts
) -> NDArray[np.float32]:
    """Return the frames mapped by each speaker's fMLLR, given where each state was."""
    columns = columns_of(examples, counts, model.tying)
    columns = np.where(np.isin(columns, model.tying.columns(SILENCE, SILENCE, SILENCE)), -1, columns)
    found = frames.copy()
    for utterances in examples.by_speaker().values():
        rows = np.concatenate([np.arange(*examples.span(i).indices(len(frames))[:2]) for i in utterances])
        own = Occupancy.of_path(columns[rows], model.mixtures.n_states)
        found[rows] = apply(fmllr(model.mixtures, frames[rows], own)[0], frames[rows])
    return found


def columns_of(examples: Examples, counts: Counts, tying: StateTying) -> NDArray[np.int64]:
    """Return the column of each frame under a tying, `(n_frames,)`, from the chain states of an alignment."""
    assert counts.chain_states is not None
    columns = np.full(counts.chain_states.size, -1, np.int64)
    for index, spoken in enumerate(examples.spoken):
        path = counts.chain_states[examples.span(index)]
        if path.size and path[0] >= 0:
            columns[examples.span(index)] = spoken.chain(tying).columns[path]
    return columns


def retied(
    model: HmmModel, examples: Examples, frames: NDArray[np.float32], counts: Counts, plan: TreePlan
) -> HmmModel:
    """Return a model of one Gaussian a leaf, of trees grown on aligned frames."""
    floor = variance_floor(frames)
    labels, label_of = triphone_states(examples, counts)
    tying = grow(context_statistics(frames, labels, label_of), model.phones, plan, floor=floor)
    occupancy = Occupancy.of_path(columns_of(examples, counts, tying), len(tying.names))
    mixtures, _ = single_gaussians(frames, occupancy, floor=floor)
    return HmmModel(model.front_end, model.transform, tying, mixtures, np.full(len(tying.names), np.log(0.6)))


def triphone_states(
    examples: Examples, counts: Counts
) -> tuple[Sequence[tuple[str, str, str, int]], NDArray[np.int64]]:
    """Return the triphone states that occur and, `(n_frames,)`, which one each frame is in (-1: none)."""
    assert counts.chain_states is not None
    numbers: dict[tuple[str, str, str, int], int] = {}
    label_of = np.full(counts.chain_states.size, -1, np.int64)
    for index, spoken in enumerate(examples.spoken):
        path = counts.chain_states[examples.span(index)]
        if not path.size or path[0] < 0:
            continue
        units = (SILENCE, *spoken.units, SILENCE)
        chain = spoken.chain(UntiedStates.of_phones(tuple(set(spoken.units) - {SILENCE})))
        position = np.arange(chain.unit_of.size) - np.searchsorted(chain.unit_of, chain.unit_of)
        names = [(units[k], units[k + 1], units[k + 2], int(p)) for k, p in zip(chain.unit_of, position, strict=True)]
        own = np.array([numbers.setdefault(name, len(numbers)) for name in names])
        label_of[examples.span(index)] = own[path]
    return list(numbers), label_of
