"""The board: one page over the store's views, rendered on the server. It reads, and never writes."""
