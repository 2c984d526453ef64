"""The machine underneath: processes, streams, programs on PATH, folders, private files, locks.

Never knows about pip, environments or settings.
"""
