"""Stimuli of listening experiments: words and pseudowords spoken, cut, spliced, masked, mixed; a user's item table.

In come words, phone strings or a table of the user's own recordings; out go `Item`s with the times of their phones,
and a table of results. `sets` holds words of published experiments, and lists chosen from a lexicon by rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otoscope.core.late import resolve

if TYPE_CHECKING:
    from otoscope.listener.stimuli.changing import (
        babble_of,
        carried,
        continuum,
        continuum_sounds,
        in_noise,
        phone_replaced,
    )
    from otoscope.listener.stimuli.cutting import cross_spliced, gates, phone_sound, with_phone_from
    from otoscope.listener.stimuli.items import Item, padded
    from otoscope.listener.stimuli.speaking import Speaker, spoken_items
    from otoscope.listener.stimuli.tables import HumanTrial, ItemTable, read_items

_HOMES = {
    "HumanTrial": "tables",
    "Item": "items",
    "ItemTable": "tables",
    "Speaker": "speaking",
    "babble_of": "changing",
    "carried": "changing",
    "continuum": "changing",
    "continuum_sounds": "changing",
    "cross_spliced": "cutting",
    "gates": "cutting",
    "in_noise": "changing",
    "padded": "items",
    "phone_replaced": "changing",
    "phone_sound": "cutting",
    "read_items": "tables",
    "spoken_items": "speaking",
    "with_phone_from": "cutting",
}
__all__ = [
    "HumanTrial",
    "Item",
    "ItemTable",
    "Speaker",
    "babble_of",
    "carried",
    "continuum",
    "continuum_sounds",
    "cross_spliced",
    "gates",
    "in_noise",
    "padded",
    "phone_replaced",
    "phone_sound",
    "read_items",
    "spoken_items",
    "with_phone_from",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return resolve(f"otoscope.listener.stimuli.{_HOMES[name]}:{name}")
    raise AttributeError(f"module 'otoscope.listener.stimuli' has no attribute {name!r}")
