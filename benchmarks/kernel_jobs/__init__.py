"""What `kernels.py` times: warping, hidden Markov models and CTC, each with its peers, and how they are timed."""
