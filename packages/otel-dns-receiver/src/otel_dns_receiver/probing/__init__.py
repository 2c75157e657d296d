"""The probe source: what is asked of whom and when, and what every answer means."""

from .counts import Counts
from .prober import Prober

__all__ = ["Counts", "Prober"]
