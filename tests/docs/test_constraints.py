"""constraints.txt pins each package that pyproject.toml asks for, within its bounds, and make takes it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
LINES = (ROOT / "constraints.txt").read_text().splitlines()
PINS = dict(line.split("==") for line in LINES if line and not line.startswith("#"))


def asked() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    found = [Requirement(text) for each in lists for text in each]
    return [each for each in found if each.name != project["name"]]


@pytest.mark.parametrize("requirement", asked(), ids=str)
def test_each_package_is_pinned_within_its_bounds(requirement: Requirement) -> None:
    assert requirement.name in PINS
    assert requirement.specifier.contains(PINS[requirement.name])


def test_nothing_else_is_pinned() -> None:
    assert set(PINS) == {requirement.name for requirement in asked()}


def test_make_installs_what_is_pinned() -> None:
    installs = re.findall(r".*pip install.*", (ROOT / "Makefile").read_text())
    assert installs
    assert all("-c constraints.txt" in line for line in installs)
