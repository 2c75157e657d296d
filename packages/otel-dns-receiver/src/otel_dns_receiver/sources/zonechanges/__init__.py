"""The zone-change source: what was edited in a zone, from its own primary, its file, or the plan for it.

::

    sources:
      - type: zone_changes
        primaries:
          - {zone: example.com, address: 192.0.2.1, key: transfer.}
        keys: /etc/otel-dns-receiver/tsig.keys
        notify: {listen: "192.0.2.7:53", allow: [192.0.2.1]}
"""

from .source import ZoneChanges

__all__ = ["ZoneChanges"]
