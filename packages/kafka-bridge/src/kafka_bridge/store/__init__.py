"""The memory: migrations, the pool, and the one place that knows the latency buckets."""
