"""What every page has: its files, a policy that names its own scripts and style and forbids everything else."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

EARLY = (
    'document.documentElement.dataset.theme=matchMedia("(prefers-color-scheme: dark)").matches?"dark":"light";'
    'document.documentElement.classList.add("js")'
)


def asset(name: str) -> str:
    """Return a text file of the pages: style, script or template."""
    return (files("otoscope.views") / "assets" / name).read_text(encoding="utf-8")


def content_policy(style: str, scripts: tuple[str, ...]) -> str:
    """Return the Content-Security-Policy of a page: its own style and scripts by hash, data for sound, else nothing."""

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"

    allowed = " ".join(digest(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {digest(style)}; "
        "img-src data:; media-src data:; base-uri 'none'; form-action 'none'"
    )
