"""Pages on their way out: an outbox in the store, and one file a way to deliver."""
