"""Places that packages are installed in: virtual environments, pipx, and what each one holds."""
