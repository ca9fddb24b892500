"""The commands, a file each; `cli.py` registers them."""
