"""Experiments of listening as plain functions: items in, trials out; what `otoscope experiment` runs."""

from __future__ import annotations
