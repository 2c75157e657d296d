"""Validation by our own walk from the trust anchor down. Pure: messages and keys in, verdicts out."""
