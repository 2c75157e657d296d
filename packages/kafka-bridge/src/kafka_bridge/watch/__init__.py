"""``kafka-bridge up``: the bridge and the receivers together, on defaults."""
