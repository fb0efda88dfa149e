"""Run an experiment: trials of all items in turn, kept as they come, so that an interrupted run goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from otoscope.core import BadInput
from otoscope.core.errors import Interrupted
from otoscope.core.protocols import Progress
from otoscope.io.jsonable import dumps
from otoscope.io.writing import make_folder, write_text
from otoscope.listener.experiments.booth import Booth
from otoscope.listener.experiments.designs import Experiment
from otoscope.listener.experiments.plans import Plan

JOURNAL, SETUP = "trials.jsonl", "experiment.json"


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of an experiment: a record a trial, and the items that could not be heard with the reason."""

    trials: tuple[dict[str, Any], ...]
    left_out: tuple[str, ...]


def run_experiment(
    experiment: Experiment, booth: Booth, plans: Sequence[Plan], folder: Path, *, progress: Progress | None = None
) -> Outcome:
    """Make all trials; those of each item are kept in `folder` as soon as they are made.

    Parameters
    ----------
    experiment, booth, plans
        What, who and which items.
    folder
        Made if need be; where it holds trials of the same experiment, these are not made again.
    progress
        Called with (items done, all).

    Raises
    ------
    BadInput
        The folder holds another experiment, or none of the items could be heard.
    Interrupted
        By Ctrl-C; the message says what is kept.
    """
    make_folder(folder)
    _same_setup(folder, setup_of(experiment, booth, plans))
    journal = folder / JOURNAL
    done = kept(journal)
    try:
        for plan in plans:
            if plan.number not in done:
                record = _record(experiment, booth, plan)
                with open(journal, "a", encoding="utf-8") as file:
                    file.write(dumps(record, indent=None).strip() + "\n")
                done[plan.number] = record
            if progress is not None:
                progress(len(done), len(plans))
    except KeyboardInterrupt:
        n = sum(len(record["trials"]) for record in kept(journal).values())
        raise Interrupted(f"{n} trials are kept in {folder}; the same command goes on from there") from None
    outcome = outcome_of(done)
    if not outcome.trials:
        raise BadInput(f"none of the items could be heard: {outcome.left_out[0]}")
    return outcome


def outcome_of(done: dict[int, dict[str, Any]]) -> Outcome:
    """Return trials in the order of items."""
    records = [done[number] for number in sorted(done)]
    left_out = tuple(f"{one['label']}: {one['why']}" for one in records if one["why"])
    return Outcome(tuple(trial for one in records for trial in one["trials"]), left_out)


def _record(experiment: Experiment, booth: Booth, plan: Plan) -> dict[str, Any]:
    """Return an item's trials, or why there are none: no voice can say it, nobody is heard to speak."""
    try:
        return {"number": plan.number, "label": plan.label, "trials": list(experiment.made()(booth, plan)), "why": ""}
    except BadInput as error:
        return {"number": plan.number, "label": plan.label, "trials": [], "why": str(error)}


def kept(journal: Path) -> dict[int, dict[str, Any]]:
    """Return the records of a journal by number of the item; a last line that was cut off does not count."""
    return {record["number"]: record for record in _lines(journal)}


def _lines(journal: Path) -> Iterator[dict[str, Any]]:
    if not journal.is_file():
        return
    text = journal.read_text(encoding="utf-8")
    whole = text.rpartition("\n")[0]
    if whole + "\n" != text and text:
        write_text(journal, whole + "\n" if whole else "")
    for line in whole.splitlines():
        yield json.loads(line)


def setup_of(experiment: Experiment, booth: Booth, plans: Sequence[Plan]) -> dict[str, Any]:
    """Return what makes a run the same: experiment, items, voices, listener, seed."""
    items = json.dumps([[plan.label, dict(plan.fields), plan.human_rt_s] for plan in plans], sort_keys=True)
    settings = json.loads(dumps(booth.listener.provenance(booth.listener.ears.provenance).parameters))
    return {
        "experiment": experiment.name, "n_items": len(plans),
        "items_sha256": hashlib.sha256(items.encode()).hexdigest(),
        "voices": list(booth.voices), "seed": booth.seed, "gate_s": booth.gate_s, "listener": settings,
    }  # fmt: skip


def _same_setup(folder: Path, setup: dict[str, Any]) -> None:
    path = folder / SETUP
    if not path.is_file():
        write_text(path, dumps(setup))
        return
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInput(f"{path} cannot be read: {error}; choose another folder") from error
    changed = [name for name in setup if not isinstance(known, dict) or known.get(name) != setup[name]]
    if changed:
        raise BadInput(f"{folder} holds another experiment (other {', '.join(changed)}); choose another folder")
