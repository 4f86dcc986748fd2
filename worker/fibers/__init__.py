"""Many things at a time in one thread: fibers, which change places where one of them must wait."""
