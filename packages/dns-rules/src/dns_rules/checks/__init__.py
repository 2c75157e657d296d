"""What is wrong by an RFC, or could be better, in inventories and rules: one file a concept, one function a check."""

from . import aliases, changes, data, hosts, mail, protection, quality, servers, ttls
from .registry import CHECKS, Check, Finding, Set, of_inventory, of_rules, wanted

__all__ = [
    "CHECKS",
    "Check",
    "Finding",
    "Set",
    "aliases",
    "changes",
    "data",
    "hosts",
    "mail",
    "of_inventory",
    "of_rules",
    "protection",
    "quality",
    "servers",
    "ttls",
    "wanted",
]
