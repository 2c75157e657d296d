"""The job on Apache Flink: a mini-cluster in a process of its own, in an environment of its own."""
