"""The error-report source: validating resolvers out there say what they cannot resolve of a zone (RFC 9567).

::

    sources:
      - type: error_reports
        agent: er.example.net
        nameserver: ns-er.example.net
        listen: "192.0.2.9:53"
"""

from .source import ErrorReports

__all__ = ["ErrorReports"]
