"""I/O out: carry out a plan; and the twin that writes nothing."""
