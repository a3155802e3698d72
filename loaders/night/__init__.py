"""The night: land, build, publish and report, under one lock; and the copy that readers open."""

from loaders.night.command import nightly, publish

__all__ = ["nightly", "publish"]
