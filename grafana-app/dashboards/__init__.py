"""Dashboards as typed Python; what they make is committed in ``src/dashboards`` and shipped as it is."""
