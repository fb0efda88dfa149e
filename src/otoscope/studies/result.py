"""What a study returns: a table, Panels and where they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from otoscope.core.arrays import ByValue, set_frozen
from otoscope.core.late import helper
from otoscope.core.panel import Panel


@dataclass(frozen=True, eq=False)
class StudyResult(ByValue):
    """One run of a named experiment.

    Parameters
    ----------
    name
        The study's name in the registry.
    summary
        What came out, in a sentence or two.
    table
        Rows, each a dict of column → JSON value; all rows have the same columns.
    panels
        What to draw.
    provenance
        Data, parameters, seed, versions and weights hash: enough to run it again. JSON values only.
    seconds
        Wall-clock time of the run.
    """

    name: str
    summary: str
    table: tuple[Mapping[str, Any], ...] = ()
    panels: tuple[Panel, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        set_frozen(
            self,
            table=tuple(MappingProxyType(dict(row)) for row in self.table),
            panels=tuple(self.panels),
            provenance=MappingProxyType(dict(self.provenance)),
        )

    def _repr_html_(self) -> str:
        return helper("html")(self)
