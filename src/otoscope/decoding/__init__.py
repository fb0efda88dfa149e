"""Pure functions and numba kernels on arrays: DTW, Viterbi, forward-backward, CTC, edit distance."""
