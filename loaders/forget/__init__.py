"""Erasure with proof: removes people or companies from the warehouse and everything published."""

from loaders.forget.command import forget

__all__ = ["forget"]
