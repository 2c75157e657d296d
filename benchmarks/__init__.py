"""Figures beside a peer or the limit, measured in the same run on the same machine. Nothing asserts a time."""
