"""What ends a benchmark."""


class BenchmarkFailed(Exception):
    """A check failed, so that there is nothing to compare; the text is a sentence."""
