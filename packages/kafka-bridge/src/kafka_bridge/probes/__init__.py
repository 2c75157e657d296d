"""Who may send: probes.yaml, read again when it changes, and the command for it."""
