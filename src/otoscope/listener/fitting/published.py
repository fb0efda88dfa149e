"""Readers of published auditory lexical decisions, as they are downloaded: MALD, BALDEY and AELP.

Nothing is fetched here; each function says where the files are. A trial without an answer is one that was not answered
rightly; trials without a time are left out.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from otoscope.core import BadFormat, BadInput
from otoscope.listener.fitting.columns import Columns, read_columns
from otoscope.listener.fitting.trials import Trials, trials_from

Floats = NDArray[np.float64]
Path = str | os.PathLike[str]
Dialect = Literal["us", "uk", "sg"]


def read_mald(responses: Path, items: Path | None = None) -> Trials:
    """Read the Massive Auditory Lexical Decision database (Tucker et al. 2019), version 1.0 or 1.1.

    https://aphl.artsrn.ualberta.ca: tab-delimited text, reaction times in ms from the onset of the item.

    Parameters
    ----------
    responses
        `MALD1_ResponseData.txt` or `MALD1_AllData.txt`: `Subject`, `Item`, `RT`, `ACC`, and `Trial` where it is there.
    items
        `MALD1_ItemData.txt`: `Item`, `IsWord`, `Duration` (ms); not needed where the responses have these columns.

    Raises
    ------
    BadFormat
        A column is missing, or an item of the responses is not in the item data.
    """
    table = read_columns(responses)
    names = table.text("Item")
    if items is None:
        kinds, durations = table.truths("IsWord"), table.numbers("Duration") / 1000
    else:
        kinds, durations = _looked_up(names, read_columns(items), table.path)
    return trials_from(
        names,
        table.text("Subject"),
        table.numbers("RT") / 1000,
        correct=table.truths("ACC", missing=False),
        of_item=(kinds.tolist(), durations.tolist()),
        order=table.numbers("Trial") if table.find("Trial") else None,
    )


def _looked_up(names: Sequence[str], data: Columns, asking: str) -> tuple[NDArray[np.bool_], Floats]:
    place = {name: k for k, name in enumerate(data.text("Item"))}
    strange = next((name for name in names if name not in place), None)
    if strange is not None:
        raise BadFormat(f"{asking} has answers to {strange!r}, which {data.path} does not know")
    rows = np.array([place[name] for name in names])
    return data.truths("IsWord")[rows], data.numbers("Duration")[rows] / 1000


def read_baldey(path: Path, *, measured_from: Literal["onset", "offset"] = "onset") -> Trials:
    """Read BALDEY, the Biggest Auditory Lexical Decision Experiment Yet, Dutch (Ernestus and Cutler 2015).

    http://www.mirjamernestus.nl/Ernestus/Baldey: one space-delimited text file with a row a trial; `-` for nothing.
    Columns: `subject`, `session`, `trial`, `word`, `word_status`, `response` (correct or incorrect), `RT`, `RTprev`,
    `word_duration` (ms).

    Parameters
    ----------
    path
        The file.
    measured_from
        What reaction times count from; from the offset, durations are added. Check it against your copy's notes.

    Raises
    ------
    BadFormat
        A column is missing.
    """
    if measured_from not in ("onset", "offset"):
        raise BadInput(f"measured_from must be onset or offset, got {measured_from!r}")
    table = read_columns(path)
    duration = table.numbers("word_duration") / 1000
    added = duration if measured_from == "offset" else 0.0
    order = 1e6 * table.numbers("session") + table.numbers("trial")
    return trials_from(
        table.text("word"),
        table.text("subject"),
        table.numbers("RT") / 1000 + added,
        correct=table.truths("response", missing=False),
        of_item=(table.truths("word_status").tolist(), duration.tolist()),
        order=order,
        previous_rt_s=_above_zero(table.numbers("RTprev") / 1000) if table.find("RTprev") else None,
    )


def _above_zero(values: Floats) -> Floats:
    return np.where(values > 0, values, np.nan)


@dataclass(frozen=True)
class ItemNorms:
    """What listeners did with each item, on average.

    Parameters
    ----------
    items, is_word
        Of each.
    accuracy
        `(n_items,)` share of right answers.
    z_rt, z_rt_sd
        `(n_items,)` mean and standard deviation of reaction times, z-scored by listener.
    n
        `(n_items,)` right answers that count.
    z_rt_after_duration
        `(n_items,)` the same of reaction times less the duration of the recording; NaN where not known.
    """

    items: tuple[str, ...]
    is_word: NDArray[np.bool_]
    accuracy: Floats
    z_rt: Floats
    z_rt_sd: Floats
    n: Floats
    z_rt_after_duration: Floats

    def reliability(self) -> float:
        """Return the share of the variance of mean times that is not error of the mean: 1 - mean(sd²/n) / variance."""
        known = np.isfinite(self.z_rt) & np.isfinite(self.z_rt_sd) & (self.n > 0)
        if known.sum() < 3:
            raise BadInput("fewer than three items have mean, spread and number")
        noise = float(np.mean(self.z_rt_sd[known] ** 2 / self.n[known]))
        return max(0.0, 1 - noise / float(np.var(self.z_rt[known], ddof=1)))


def read_aelp(path: Path, *, dialect: Dialect = "us") -> ItemNorms:
    """Read item data of the Auditory English Lexicon Project (Goh, Yap and Chee 2020).

    https://inetapps.nus.edu.sg/aelp: comma-delimited, as its page generates it, a row an item; words in `word_us`,
    `word_uk` or `word`, pseudowords in `nonword`. For the talkers of each dialect `us_ldt_acc`, `us_ldt_zrt_m`,
    `us_ldt_zrt_sd`, `us_ldt_zrt_n`, `us_ldt_zrtmdur_m` (reaction time less duration); all z-scored by listener.

    Parameters
    ----------
    path
        The file, of words or of pseudowords.
    dialect
        Of the talkers: American, British or Singapore English.

    Raises
    ------
    BadFormat
        A column is missing.
    """
    if dialect not in get_args(Dialect):
        raise BadInput(f"dialect must be {', '.join(get_args(Dialect))}, got {dialect!r}")
    table = read_columns(path)
    words = table.find(f"word_{dialect}", "word_us", "word_uk", "word")
    names = table.text(words) if words else table.text("word_us", "nonword")
    later = f"{dialect}_ldt_zrtmdur_m"
    return ItemNorms(
        names,
        np.full(len(names), words is not None),
        table.numbers(f"{dialect}_ldt_acc"),
        table.numbers(f"{dialect}_ldt_zrt_m"),
        table.numbers(f"{dialect}_ldt_zrt_sd"),
        table.numbers(f"{dialect}_ldt_zrt_n"),
        table.numbers(later) if table.find(later) else np.full(len(names), np.nan),
    )
