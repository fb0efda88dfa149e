"""Named, reproducible experiments: a table, Panels and provenance each."""
