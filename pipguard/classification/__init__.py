"""Library or application: what the targets of a command are, and how that is known."""
