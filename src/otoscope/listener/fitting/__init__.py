"""Parameters of the listener from human reaction times, and readers of published ones."""
