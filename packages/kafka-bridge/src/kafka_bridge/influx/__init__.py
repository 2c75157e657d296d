"""InfluxDB as another home for the aggregates: out of the store's views, as line protocol, until each is there."""
