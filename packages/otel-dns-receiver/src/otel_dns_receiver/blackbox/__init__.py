"""A drop-in for the DNS prober of Prometheus' blackbox_exporter: its modules, its address, its metrics.

A Prometheus team changes one address; `migrate` turns the modules into a configuration of our own prober.
"""
