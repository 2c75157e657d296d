"""The query-log source: what servers write into their logs of what they were asked.

::

    sources:
      - type: query_log
        format: unbound
        file: /var/log/unbound/unbound.log
        server: 192.0.2.53
"""

from .source import QueryLog

__all__ = ["QueryLog"]
