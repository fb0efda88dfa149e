"""Checkpoints of the Hugging Face hub: folders, their store, and the places of foreign networks."""
