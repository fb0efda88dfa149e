"""What a long study has measured so far, a line of JSON each, so that the same study goes on where it was stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from otoscope.core import BadInput


class KeptMeasures:
    """Measures by name, in a file of their own for each settings.

    A last line that was cut off while it was written is left out.

    Parameters
    ----------
    folder
        Where they are kept; `None` keeps nothing.
    settings
        What they depend on; a study with other settings finds none of them.

    Examples
    --------
    >>> kept = KeptMeasures(None, {"seed": 0})
    >>> kept.put("word 3, shapley", {"mass": 0.8})
    >>> kept.get("word 3, shapley")
    {'mass': 0.8}
    """

    def __init__(self, folder: Path | None, settings: Mapping[str, Any]) -> None:
        self._known: dict[str, Mapping[str, Any]] = {}
        self._path: Path | None = None
        if folder is None:
            return
        if folder.exists() and not folder.is_dir():
            raise BadInput(f"measures are kept in a folder, {folder} is a file")
        folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:12]
        self._path = folder / f"measures-{digest}.jsonl"
        text = self._path.read_text(encoding="utf-8") if self._path.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            self._path.write_text(whole, encoding="utf-8")
        for line in whole.splitlines():
            name, values = json.loads(line)
            self._known[name] = values

    def get(self, name: str) -> Mapping[str, Any] | None:
        """Return what was kept under a name, `None` where nothing was."""
        return self._known.get(name)

    def put(self, name: str, values: Mapping[str, Any]) -> None:
        """Keep values under a name; numbers come back as they were, whatever ends the study."""
        self._known[name] = values
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([name, values]) + "\n")
