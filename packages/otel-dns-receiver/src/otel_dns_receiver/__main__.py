"""``python -m otel_dns_receiver``."""

from .cli import main

main()
