"""What the tests stand on: small wheels, managed Pythons, stand-ins for pip, ways to run commands.

One module for each; `conftest.py` turns them into fixtures. Nothing here asks the network but
`pips.py`, and that only for a named old version of pip.
"""
