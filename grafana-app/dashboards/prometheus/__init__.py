"""The dashboards of those who have Prometheus and no store: metrics of receivers, and the mixin's recording rules."""
