"""Manifests, synthetic corpora and speaker-disjoint splits."""
