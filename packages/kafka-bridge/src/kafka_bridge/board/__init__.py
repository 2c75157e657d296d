"""The board: three views and a page for each incident, rendered on the server. It reads the store, and never writes."""
