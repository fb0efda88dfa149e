"""Kinds of corpora on disk: each module recognises one kind and reads it; some write it too."""
