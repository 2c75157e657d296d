"""A schema registry."""
