"""The real pip: where it is, what it would do with a command line, and how it is run."""
