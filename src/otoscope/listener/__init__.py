"""Lexical competition and decision (not built yet)."""
