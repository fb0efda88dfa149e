"""Panels from results; renderers: matplotlib figure, HTML report."""
