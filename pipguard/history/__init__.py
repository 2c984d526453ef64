"""What pipguard did: the log, and the recording of a command's changes."""
