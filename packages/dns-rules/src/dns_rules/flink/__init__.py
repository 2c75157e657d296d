"""The same two steps as keyed functions on Apache Flink (extra ``flink``). Nothing outside imports this but the CLI."""
