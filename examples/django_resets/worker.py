"""The shop's own module of this name: it may have one, since nothing of Postroom is imported here."""
