"""A simulation of human word recognition: evidence in, words that compete, a Percept out.

`WordListener` is the whole of it; the parts are `evidence` and `ears` (what is heard), `word_tree`, `competing` and
`running` (who is ahead), `deciding`, `lexicality` and `choosing` (what is answered and when), `shares` (why),
`context`, `calibration` and `fitting` (parameters), `stimuli` (experiments), `peers` (TRACE, TISK).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otoscope.core.late import lazy

if TYPE_CHECKING:
    from otoscope.listener.competing import Competition, Listening, compete
    from otoscope.listener.evidence import Evidence, evidence_from
    from otoscope.listener.listening import Settings, WordListener
    from otoscope.listener.running import compete_running

_PUBLIC = {
    "Competition": "otoscope.listener.competing:Competition",
    "Evidence": "otoscope.listener.evidence:Evidence",
    "Listening": "otoscope.listener.competing:Listening",
    "Settings": "otoscope.listener.listening:Settings",
    "WordListener": "otoscope.listener.listening:WordListener",
    "compete": "otoscope.listener.competing:compete",
    "compete_running": "otoscope.listener.running:compete_running",
    "evidence_from": "otoscope.listener.evidence:evidence_from",
}

__all__ = [
    "Competition",
    "Evidence",
    "Listening",
    "Settings",
    "WordListener",
    "compete",
    "compete_running",
    "evidence_from",
]

__getattr__ = lazy(__name__, _PUBLIC)
