// Alerts and recording rules of dnstower for a Prometheus. Import it, lay your own `_config` over it.
(import 'config.libsonnet') + (import 'rules.libsonnet') + (import 'alerts.libsonnet')
