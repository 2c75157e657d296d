"""The version of this distribution; hatchling reads it."""

__version__ = "0.1.0"
