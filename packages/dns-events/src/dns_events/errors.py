"""The one exception root of dns-events."""

from __future__ import annotations


class DnsEventsError(ValueError):
    """Something is not a valid event or name; the message says what, where and what to write instead."""


class InvalidNameError(DnsEventsError):
    """A text that is not a domain name (RFC 1035 §2.3.4, RFC 5890)."""


class InvalidEventError(DnsEventsError):
    """An event whose fields contradict the contract."""


class DecodeError(DnsEventsError):
    """Bytes or a record that cannot be read as an event."""


class NotAnObservationError(DecodeError):
    """A record that is whole but tells of no lookup and its end: a query alone, an update, a multicast question."""


class ExportError(DnsEventsError):
    """An event for which another schema has no honest place."""
