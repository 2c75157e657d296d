"""Across packages, on real servers: what a user runs, and what a user then sees."""
