"""Zones that are each right, or wrong in one way, under one signed root: what validators are compared on."""

from __future__ import annotations

from .cases import CASES, Case
from .tree import Tree

__all__ = ["CASES", "Case", "Tree"]
