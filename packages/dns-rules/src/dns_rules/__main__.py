"""``python -m dns_rules``."""

from .cli import main

main()
