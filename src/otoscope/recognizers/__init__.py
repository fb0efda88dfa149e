"""One file a family; the registry; `load`."""
