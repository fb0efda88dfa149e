"""Large-vocabulary decoding: a lexical tree with cross-word context, token passing with an n-gram model, lattices.

`build_graph` makes the graph from pronunciations and phone models, `TreeDecoder` searches it.
"""

from otoscope.decoding.tree.building import build_graph
from otoscope.decoding.tree.decoder import TreeDecoder
from otoscope.decoding.tree.graph import DecodingGraph
from otoscope.decoding.tree.run import DecodingRun
from otoscope.decoding.tree.units import HmmState, PhoneModels

__all__ = ["DecodingGraph", "DecodingRun", "HmmState", "PhoneModels", "TreeDecoder", "build_graph"]
