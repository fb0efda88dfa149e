"""What an analysis found: a sentence, rows, pictures, and what it was made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from otoscope.core.arrays import ByValue, set_frozen
from otoscope.core.late import helper
from otoscope.core.panel import Panel


@dataclass(frozen=True, eq=False)
class Finding(ByValue):
    """What an analysis of a recogniser found: one shape for lenses, probes, patches, curves and maps of decisions.

    Parameters
    ----------
    name
        The analysis: `ctc-lens`, `probing`, `activation-patching`, ….
    summary
        What was found, in a sentence or two.
    table
        Rows, each a dict of column → JSON value; all rows have the same columns.
    panels
        What to draw.
    provenance
        Recogniser with weights hash, recordings, parameters, seed: enough to do it again. JSON values only.
    failures
        Checks that failed, each as a sentence; its Panels are drawn grey when there is any.
    """

    name: str
    summary: str
    table: tuple[Mapping[str, Any], ...] = ()
    panels: tuple[Panel, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    failures: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        set_frozen(
            self,
            table=tuple(MappingProxyType(dict(row)) for row in self.table),
            panels=tuple(self.panels),
            provenance=MappingProxyType(dict(self.provenance)),
            failures=tuple(self.failures),
        )

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not self.failures

    def plot(self) -> Any:
        """Draw as a matplotlib figure; see `otoscope.views.figures`."""
        return helper("figure")(self)

    def _repr_html_(self) -> str:
        return helper("html")(self)
