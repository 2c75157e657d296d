"""The alerts of `alert-rules/prometheus`: made from the mixin, and tested with promtool."""
