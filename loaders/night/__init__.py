"""The night: land, build, publish and report, under one lock; and what its readers get."""

from loaders.night.command import nightly, publish

__all__ = ["nightly", "publish"]
