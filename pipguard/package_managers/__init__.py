"""The operating system's package managers: one file each, and how they are asked."""
