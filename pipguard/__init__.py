"""A drop-in `pip` for Pythons that refuse it (PEP 668)."""
