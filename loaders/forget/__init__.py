"""Erasure with proof: people or companies leave the warehouse and whatever is published."""

from loaders.forget.command import forget

__all__ = ["forget"]
