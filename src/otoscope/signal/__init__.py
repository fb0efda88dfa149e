"""Everything done to a waveform or its time-frequency picture."""
