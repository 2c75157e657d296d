"""The board: three views and a page for each incident over the store's views, rendered on the server. It reads; what
is written, an acknowledgement, is `kafka_bridge.notify`'s."""
