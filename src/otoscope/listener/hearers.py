"""What running speech needs of a listener (`otoscope.listener.listening.WordListener` is one)."""

from __future__ import annotations

from typing import Protocol

from otoscope.core import Provenance
from otoscope.decoding.tree.units import PhoneModels
from otoscope.lexicon.mental_lexicon import Forms, MentalLexicon
from otoscope.listener.deciding import DecisionRule
from otoscope.listener.execution import Execution
from otoscope.listener.word_tree import WordTree


class RunningSettings(Protocol):
    """Parameters of running speech, as in `otoscope.listener.listening.Settings`."""

    @property
    def running_weight(self) -> float: ...  # noqa: D102
    @property
    def running_scale(self) -> float: ...  # noqa: D102
    @property
    def running_doubt(self) -> float: ...  # noqa: D102
    @property
    def word_penalty(self) -> float: ...  # noqa: D102
    @property
    def context_weight(self) -> float: ...  # noqa: D102
    @property
    def running(self) -> DecisionRule: ...  # noqa: D102
    @property
    def execution(self) -> Execution: ...  # noqa: D102


class Hearer(Protocol):
    """A lexicon with its tree, parameters, names of forms."""

    lexicon: MentalLexicon

    @property
    def settings(self) -> RunningSettings: ...  # noqa: D102
    @property
    def forms(self) -> Forms: ...  # noqa: D102
    def name(self, form: int) -> str: ...  # noqa: D102
    def tree(self, models: PhoneModels) -> WordTree: ...  # noqa: D102
    def provenance(self, origin: Provenance) -> Provenance: ...  # noqa: D102
