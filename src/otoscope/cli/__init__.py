"""The command line: one file a verb. Each parses, calls the library and writes; `main` turns errors into one line."""

from otoscope.cli.app import main

__all__ = ["main"]
