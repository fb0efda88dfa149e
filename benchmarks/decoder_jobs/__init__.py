"""What `decoder.py` times: a language, imagined emissions, the searches, and recognisers on read speech."""
