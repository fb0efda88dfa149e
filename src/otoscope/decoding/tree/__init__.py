"""Large-vocabulary decoding: a lexical tree with cross-word context, token passing with an n-gram model, lattices.

`build_graph` makes the graph from pronunciations and phone models, `TreeDecoder` searches it. Known transcripts have
graphs of their own (`TranscriptGraphs`): `forced` and `best_path` place them in time, `occupancies` sums over all ways.
"""

from otoscope.decoding.tree.building import build_graph
from otoscope.decoding.tree.decoder import TreeDecoder
from otoscope.decoding.tree.forced import ForcedPath, ForcedPhone, best_path, forced
from otoscope.decoding.tree.graph import DecodingGraph
from otoscope.decoding.tree.occupancies import Occupancies, occupancies, occupancies_batch
from otoscope.decoding.tree.run import DecodingRun
from otoscope.decoding.tree.transcript_graph import TranscriptGraph
from otoscope.decoding.tree.transcripts import TranscriptGraphs
from otoscope.decoding.tree.units import HmmState, PhoneModels

__all__ = [
    "DecodingGraph",
    "DecodingRun",
    "ForcedPath",
    "ForcedPhone",
    "HmmState",
    "Occupancies",
    "PhoneModels",
    "TranscriptGraph",
    "TranscriptGraphs",
    "TreeDecoder",
    "best_path",
    "build_graph",
    "forced",
    "occupancies",
    "occupancies_batch",
]
