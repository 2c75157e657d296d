"""Zones as other tools have them: octoDNS, DNSControl and master files in, and out where that can be said."""
