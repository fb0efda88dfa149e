"""Hidden Markov models with Gaussian mixtures: whole words, phones, state-tied triphones (1970s to 2010)."""
