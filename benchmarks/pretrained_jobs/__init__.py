"""Jobs of `pretrained.py`."""
