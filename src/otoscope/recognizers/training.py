"""Train any family by its preset's name, on any corpus, into a folder that says how to do it again.

A family gives `train(corpus, valid, folder, *, seed=0, progress=None, **options) -> Recognizer`: it works in the
folder, goes on there if it was interrupted, and leaves a recogniser that `load(folder)` opens. Listing the presets
imports none of them.
"""

from __future__ import annotations

import errno
import inspect
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from otoscope.core import BadInput, CannotWrite, Interrupted, NotAble, Recognizer
from otoscope.core.errors import UnknownName
from otoscope.core.late import registered, resolve
from otoscope.core.protocols import Progress
from otoscope.recognizers.registry import CARD, load
from otoscope.recognizers.trainers import GROUP, TEMPLATE, TRAINERS, family_of, trainers

if TYPE_CHECKING:
    from otoscope.corpora import Utterance

NO_SPLIT = "none"
"""Name a validation split so to train without held-out data."""


def train(
    preset: str,
    corpus: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    out: str | os.PathLike[str],
    valid_split: str = "valid",
    seed: int = 0,
    tensorboard: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> Recognizer:
    """Train a preset on the train split of one corpus or several, into a folder that `load` opens.

    Parameters
    ----------
    preset
        A name that `trainers()` lists.
    corpus
        Folder of any kind that `otoscope.corpora.read_corpus` reads, or several; validation uses those that have the
        split.
    out
        Folder of the run: the recogniser, what is needed to repeat it (`run.json`), histories, a log, checkpoints. A
        run that was interrupted goes on from there when it is asked for again in the same way.
    valid_split
        Held-out data to choose the weights by; `"none"`: none.
    seed
        Of everything random.
    tensorboard
        Whether to write TensorBoard event files; needs the extra `train`.
    progress
        Called with (done, all).
    options
        Of the preset; the error about an unknown one names them.

    Raises
    ------
    UnknownName
        No such preset.
    NotAble
        The preset's module is not part of this installation.
    BadInput
        A corpus lacks the split, a speaker is in both, the preset lacks an option, or the folder holds another run.
    CorruptWeights
        A checkpoint in the folder cannot be read.
    CannotWrite
        The folder cannot be written to, or the disk is full.
    Interrupted
        Ctrl-C was pressed; what was learnt is kept.
    """
    trainer = _trainer(preset)
    _check_options(preset, trainer, options)
    corpora = [corpus] if isinstance(corpus, str | os.PathLike) else list(corpus)
    learnt, held_out = read_splits(corpora, valid_split=valid_split)
    if family_of(preset) != TEMPLATE:
        _check_disjoint(learnt, held_out)
    asked = {"preset": preset, "seed": seed, "options": options, "valid_split": valid_split}
    try:
        return _run(trainer, (learnt, held_out), Path(out), asked, (tensorboard, progress))
    except KeyboardInterrupt:
        raise Interrupted(f"what was learnt is kept in {os.fspath(out)}; the same command goes on from there") from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise CannotWrite(
                f"the disk is full; make room for {os.fspath(out)} and start the same command again"
            ) from error
        raise


def _run(
    trainer: Callable[..., Any],
    corpus: tuple[Sequence[Utterance], Sequence[Utterance]],
    out: Path,
    asked: Mapping[str, Any],
    watching: tuple[bool, Progress | None],
) -> Recognizer:
    from otoscope.nets.training.distributed import this_process
    from otoscope.nets.training.observers import observed
    from otoscope.recognizers.run_description import RunDescription, is_finished

    arguments = {"seed": asked["seed"], **asked["options"]}
    if not this_process().leads:  # process 0 keeps the files
        if is_finished(out):
            return load(out)
        with tempfile.TemporaryDirectory() as scratch:
            return cast(Recognizer, trainer(*corpus, Path(scratch), progress=None, **arguments))
    description = RunDescription(out, asked, corpus)
    if is_finished(out):
        return load(out)
    with observed(description.begin(tensorboard=watching[0])):
        recognizer = trainer(*corpus, out, progress=watching[1], **arguments)
    if not (out / CARD).is_file():
        raise BadInput(f"preset {asked['preset']!r} left no {CARD} in {out}; its trainer must save a recogniser")
    description.finish(recognizer)
    return cast(Recognizer, recognizer)


def _trainer(preset: str) -> Callable[..., Any]:
    known = registered(TRAINERS, GROUP)
    if preset not in known:
        raise UnknownName("preset", preset, known)
    module, _, name = known[preset].partition(":")
    try:
        return cast(Callable[..., Any], resolve(known[preset]))
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
    except AttributeError as error:
        if name not in str(error):
            raise
    ready = ", ".join(info.name for info in trainers() if info.ready and info.name != preset)
    raise NotAble(f"preset {preset!r} is not part of this installation; there are {ready}")


def _check_options(preset: str, trainer: Callable[..., Any], options: Mapping[str, Any]) -> None:
    parameters = inspect.signature(trainer).parameters
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    taken = {"corpus", "valid", "folder", "seed", "progress"}
    allowed = [name for name, p in parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY and name not in taken]
    for name in options:
        if name not in allowed:
            raise BadInput(f"preset {preset!r} has no option {name!r}; it has {', '.join(allowed) or 'none'}")


def read_splits(
    corpora: Sequence[str | os.PathLike[str]], *, valid_split: str = "valid"
) -> tuple[tuple[Utterance, ...], tuple[Utterance, ...]]:
    """Return what is learnt (split `train` of each corpus) and what is held out (`valid_split` of those that have it).

    Raises
    ------
    BadInput
        No corpus is named, one has neither `train` nor the validation split, or one of the two is nowhere; the message
        names what there is.
    """
    from otoscope.corpora import read_corpus

    if not corpora:
        raise BadInput("no corpus is named; give a folder with recordings and texts")
    learnt: list[Utterance] = []
    held_out: list[Utterance] = []
    splits: set[str] = set()
    for folder in corpora:
        everything = read_corpus(folder)
        own = {utterance.split for utterance in everything}
        if not own & {"train", valid_split}:
            raise BadInput(
                f"corpus {os.fspath(folder)} has no split 'train' to learn from, nor {valid_split!r} to validate on; "
                f"it has {_listed(own)}"
            )
        learnt += [utterance for utterance in everything if utterance.split == "train"]
        held_out += [utterance for utterance in everything if utterance.split == valid_split]
        splits |= own
    if not learnt:
        raise BadInput(f"no corpus has a split 'train' to learn from; there are {_listed(splits)}")
    if not held_out and valid_split != NO_SPLIT:
        raise BadInput(
            f"no corpus has the validation split {valid_split!r}; there are {_listed(splits)}. Name another, or "
            f"{NO_SPLIT!r} to learn without held-out data"
        )
    return tuple(learnt), tuple(held_out)


def _listed(names: set[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names)) or "none"


def _check_disjoint(learnt: Sequence[Utterance], held_out: Sequence[Utterance]) -> None:
    from otoscope.corpora import check_speakers_disjoint

    check_speakers_disjoint([*learnt, *held_out])
