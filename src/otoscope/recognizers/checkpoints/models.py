"""Models of the hub: `get` fetches one, the only function that reaches the network; `list`, `verify` and `remove`."""

from otoscope.recognizers.checkpoints.fetching import get
from otoscope.recognizers.checkpoints.store import list, remove, verify

__all__ = ["get", "list", "remove", "verify"]
