"""Kafka and PostgreSQL for tests: in Docker where it runs, else the same server on this machine."""
