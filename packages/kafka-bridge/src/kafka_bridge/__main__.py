"""``python -m kafka_bridge``."""

from .cli import main

main()
