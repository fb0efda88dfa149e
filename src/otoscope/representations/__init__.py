"""PCA, autoencoders and their studies (not built yet)."""
