"""From the symbols of emissions to phone models: what each column scores, told by its name alone."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from otoscope.core import NotAble
from otoscope.core.errors import UnknownName
from otoscope.core.measurements import Emissions
from otoscope.decoding.tree.units import HmmState, PhoneModels

SILENCE = "SIL"
SILENT = frozenset({"SIL", "SILENCE", "<SIL>", "+SPN+", "+NSN+", "SPN", "<SILENCE>"})
"""Names of units that are no part of words; the first that is there stands for silence."""
LEFT_ALONE = frozenset({"+SPN+", "+NSN+", "SPN"})
SEPARATORS = frozenset({" ", "|", "<space>", "_"})
"""Symbols between two words of a network that reads letters."""
_STATE = re.compile(r"^(?P<phone>.+?)\.(?P<state>\d+)(?:/\d+)?(?:\|(?P<lefts>[^#]+))?(?:#\d+)?$")
_SPECIAL = re.compile(r"^(<.*>|\[.*\])$")
HALF = math.log(0.5)
MEAN_FRAMES = 3.0
"""Frames of 10 ms that a state lasts on average, where nothing is known of it."""


@dataclass(frozen=True)
class NamedModels:
    """Phone models as told by names; implements `otoscope.decoding.tree.units.PhoneModels`.

    `columns` maps (left neighbour or `None` for any, phone, state number) to a column; `transitions` are those of the
    states by number, the last for all further ones.
    """

    phones: tuple[str, ...]
    silence: str
    n_states: Mapping[str, int]
    columns: Mapping[tuple[str | None, str, int], int]
    transitions: tuple[tuple[float, float, float], ...]
    context: tuple[bool, bool] = (False, False)

    def states(self, left: str | None, phone: str, right: str | None) -> tuple[HmmState, ...]:
        """Return the states of a phone after `left`; no neighbour counts as silence.

        Raises
        ------
        UnknownName
            There is no such phone.
        """
        if phone not in self.n_states:
            raise UnknownName("phone", phone, self.n_states)
        before = left or self.silence
        found = []
        for number in range(self.n_states[phone]):
            column = self.columns.get((before, phone, number), self.columns.get((None, phone, number), -1))
            if column < 0:
                raise UnknownName("left neighbour", before, [str(k[0]) for k in self.columns if k[1] == phone])
            found.append(HmmState(column, *self.transitions[min(number, len(self.transitions) - 1)]))
        return tuple(found)


@dataclass(frozen=True)
class LetterModels:
    """Units of a CTC network, each taking a frame or more, with an optional blank behind (Graves et al. 2006).

    Between two of the same the blank is not optional, which makes the left neighbour matter. A path of CTC is worth the
    product of its posteriors and nothing else: to stay and to go on cost nothing. Units without a blank are no CTC;
    they last as long as states of which nothing is known.
    """

    phones: tuple[str, ...]
    columns: Mapping[str, int]
    blank: int | None
    silence_column: int
    log_loop: float
    log_leave: float
    silence: str = SILENCE

    @property
    def context(self) -> tuple[bool, bool]:
        """The left neighbour matters where there is a blank."""
        return (self.blank is not None, False)

    def states(self, left: str | None, phone: str, right: str | None) -> tuple[HmmState, ...]:
        """Return the unit and its blank; behind the same unit there is a blank in front too.

        Raises
        ------
        UnknownName
            There is no such unit.
        """
        if phone == self.silence:
            return (HmmState(self.silence_column, self.log_loop, self.log_leave),)
        if phone not in self.columns:
            raise UnknownName("unit", phone, self.columns)
        own = HmmState(self.columns[phone], self.log_loop, self.log_leave)
        if self.blank is None:
            return (own,)
        blank = HmmState(self.blank, self.log_loop, self.log_leave)
        behind = HmmState(self.blank, self.log_loop, self.log_leave, 0.0)
        return (blank, own, behind) if left == phone else (own, behind)


@dataclass(frozen=True)
class Units:
    """Phone models, what kind they are of, and which columns of the emissions make each of theirs (their best)."""

    models: PhoneModels
    kind: str
    groups: tuple[tuple[int, ...], ...] = field(repr=False)

    def columns_of(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return `(n_frames, n_columns)`: the best of each group of columns."""
        if all(group == (k,) for k, group in enumerate(self.groups)):
            return scores
        return np.stack([scores[:, list(group)].max(axis=1) for group in self.groups], axis=1)


def models_of(emissions: Emissions, times: float) -> Units:
    """Return what the columns of emissions are, for frames `times` as many as those of the emissions.

    Raises
    ------
    NotAble
        Symbols are neither states nor phones nor letters.
    """
    if emissions.blank is None and all(_STATE.match(symbol) for symbol in emissions.symbols):
        return _state_units(emissions.symbols, times)
    return _ctc_units(emissions, times)


def _loop(frames: float) -> tuple[float, float]:
    """Return the log-probabilities to stay and to leave of a state that lasts so many frames on average."""
    frames = max(frames, 1.05)
    return math.log(1 - 1 / frames), -math.log(frames)


def _state_units(symbols: Sequence[str], times: float) -> Units:
    """Return the phones of names such as `AH.2`, `AH.1|K G` or `AH.2/7`."""
    n_states: dict[str, int] = {}
    groups: dict[tuple[str, int, str | None], list[int]] = {}
    for column, symbol in enumerate(symbols):
        found = _STATE.match(symbol)
        assert found is not None
        phone, number = found["phone"], int(found["state"]) - 1
        n_states[phone] = max(n_states.get(phone, 0), number + 1)
        groups.setdefault((phone, number, found["lefts"]), []).append(column)
    columns: dict[tuple[str | None, str, int], int] = {}
    for new, (phone, number, lefts) in enumerate(groups):
        for left in lefts.split() if lefts else (None,):
            columns[left, phone, number] = new
    silence = next((name for name in n_states if name.upper() in SILENT - LEFT_ALONE), None)
    if silence is None:
        raise NotAble(f"no silence among {', '.join(list(n_states)[:8])} …: a listener must know when nobody speaks")
    phones = tuple(name for name in n_states if name.upper() not in SILENT)
    context = any(left is not None for left, _, _ in columns)
    transitions = _chain_transitions(times) if context and max(n_states.values()) == 2 else (_even(times),)
    models = NamedModels(
        phones, silence, MappingProxyType(n_states), MappingProxyType(columns), transitions, (context, False)
    )
    return Units(models, "hybrid" if context else "phone states", tuple(map(tuple, groups.values())))


def _even(times: float) -> tuple[float, float, float]:
    """Return transitions of states of which nothing is known but that each takes a frame of the emissions or more."""
    return (*_loop(max(MEAN_FRAMES, 2 * times)), -math.inf)


def _chain_transitions(times: float) -> tuple[tuple[float, float, float], ...]:
    """Return those of lattice-free MMI (Povey et al. 2016, figure 1): one frame, then any number, even none.

    A frame read `times` over becomes a state that lasts so long on average; the log-probabilities to stay and to leave
    the second state, one half each for a frame, are spread over its readings.
    """
    if times < 1.5:
        return (-math.inf, HALF, -math.inf), (HALF, HALF, 0.0)
    return (*_loop(times), -math.inf), (HALF / times, HALF, 0.0)


def _ctc_units(emissions: Emissions, times: float) -> Units:
    letters: dict[str, int] = {}
    silent: list[int] = [] if emissions.blank is None else [emissions.blank]
    for column, symbol in enumerate(emissions.symbols):
        if column == emissions.blank:
            continue
        if symbol in SEPARATORS or symbol.upper() in SILENT:
            silent.append(column)
        elif not _SPECIAL.match(symbol):
            letters[_unit(symbol)] = column
    _check_units(letters)
    if not silent:
        raise NotAble("no blank, space or silence is among the symbols: a listener must know when nobody speaks")
    names = tuple(letters)
    groups: list[tuple[int, ...]] = [(letters[name],) for name in names]
    blank = None
    if emissions.blank is not None:
        blank = len(groups)
        groups.append((emissions.blank,))
    groups.append(tuple(silent))
    moves = _loop(2 * times) if blank is None else (0.0, 0.0)
    models = LetterModels(names, MappingProxyType({n: k for k, n in enumerate(names)}), blank, len(groups) - 1, *moves)
    kind = "ctc letters" if set("etaoin") <= set(names) and max(map(len, names)) == 1 else "ctc phones"
    return Units(models, kind, tuple(groups))


def _unit(symbol: str) -> str:
    """Return the name of a unit: letters are small ones."""
    return symbol.lower() if len(symbol) == 1 and symbol.isascii() else symbol


def _check_units(units: Mapping[str, int]) -> None:
    pieces = [name for name in units if re.search(r"[▁Ġ]|^##", name) or re.fullmatch(r"[a-z]{4,}", name)]
    if len(pieces) > 2:
        raise NotAble(f"symbols such as {', '.join(map(repr, pieces[:3]))} are pieces of words, not phones or letters")
    if len(units) < 2:
        raise NotAble(f"{len(units)} phones or letters are too few to tell words apart")
