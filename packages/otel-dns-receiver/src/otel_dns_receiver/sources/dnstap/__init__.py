"""The dnstap source: what name servers and resolvers were asked and answered, by their own account.

::

    sources:
      - type: dnstap
        listen: unix:/run/otel-dns-receiver/dnstap.sock
"""

from .source import Dnstap

__all__ = ["Dnstap"]
