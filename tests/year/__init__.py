"""Zones with the noise of every day and a fault in each, made of a seed; what must be said of them is known ahead."""
