"""The registration source: what the registry and the registrar say of a domain.

::

    sources:
      - type: registration
        domains: [example.com]
"""

from .source import Registrations

__all__ = ["Registrations"]
