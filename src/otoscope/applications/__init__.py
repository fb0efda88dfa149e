"""Captions, keyword spotting and the rest (not built yet)."""
