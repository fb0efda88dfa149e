"""`--set NAME=VALUE`: parameters of studies and analyses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from otoscope.core import BadInput


def read_parameters(given: Sequence[str], *, of: str) -> dict[str, Any]:
    """Read NAME=VALUE; a value that is JSON (a number, a list) is taken as such, anything else as text.

    Examples
    --------
    >>> read_parameters(["limit=50", "along=snr", "levels=[0, 10]"], of="study")
    {'limit': 50, 'along': 'snr', 'levels': [0, 10]}
    """
    parameters: dict[str, Any] = {}
    for each in given:
        name, sign, value = each.partition("=")
        if not sign or not name.isidentifier():
            raise BadInput(f"--set {each}: give NAME=VALUE of the {of}, such as --set limit=50")
        try:
            parameters[name] = json.loads(value)
        except ValueError:
            parameters[name] = value
    return parameters
