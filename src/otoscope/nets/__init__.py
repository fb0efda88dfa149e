"""Torch modules written as in the papers, and the one training loop."""
