"""Random numbers that depend on their purpose and keys, and on nothing else.

Purpose and keys (a person, a day) name a point among 2^64, and splitmix64 scrambles the point, in
integer arithmetic that wraps around. So a slice of the world can be drawn without the slices before
it, and the same seed draws the same world whatever the version of polars, the number of threads or
the slicing. Nothing here takes a logarithm or a root: their last bit may differ between machines.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import polars as pl

# Odd, so that different keys are different points; far apart, so that pairs of keys are too.
STRIDES = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93)
HEX = pl.Series([f"{number:04x}" for number in range(1 << 16)])


@dataclass(frozen=True)
class Chance:
    """One seed's random numbers. `key` below is a column name or an expression of integers >= 0."""

    seed: int

    def bits(self, purpose: str, *keys: str | pl.Expr) -> pl.Expr:
        """64 random bits. With one key, different keys always give different bits."""
        digest = hashlib.blake2b(f"{self.seed}/{purpose}".encode(), digest_size=8).digest()
        point = _whole(int.from_bytes(digest, "big"))
        for key, stride in zip(keys, STRIDES, strict=False):
            number = pl.col(key) if isinstance(key, str) else key
            point = point + number.cast(pl.UInt64) * _whole(stride)
        return _splitmix(point)

    def share(self, purpose: str, *keys: str | pl.Expr) -> pl.Expr:
        """Return a number in [0, 1)."""
        return _right(self.bits(purpose, *keys), 11).cast(pl.Float64) * 2.0**-53

    def below(self, limit: int | pl.Expr, purpose: str, *keys: str | pl.Expr) -> pl.Expr:
        """Return a whole number in [0, limit), for a limit under 2^32."""
        most = limit if isinstance(limit, pl.Expr) else _whole(limit)
        return _right(_right(self.bits(purpose, *keys), 32) * most.cast(pl.UInt64), 32).cast(
            pl.Int64
        )

    def one_of(self, values: Sequence, purpose: str, *keys: str | pl.Expr) -> pl.Expr:
        """Return one of the values, each as likely as the next."""
        return pl.lit(pl.Series(values)).gather(self.below(len(values), purpose, *keys))

    def weighted(self, weights: Mapping[str, float], purpose: str, *keys: str | pl.Expr) -> pl.Expr:
        """Return one of the mapping's keys, with a likelihood in proportion to its weight."""
        steps = list(accumulate(weights.values()))
        edges = pl.Series([step / steps[-1] for step in steps[:-1]], dtype=pl.Float64)
        index = pl.lit(edges).search_sorted(self.share(purpose, *keys), side="right")
        return pl.lit(pl.Series(list(weights))).gather(index)

    def id(self, purpose: str, key: str | pl.Expr) -> pl.Expr:
        """Return 16 hexadecimal digits, different for different keys."""
        bits = self.bits(purpose, key)
        parts = [pl.lit(HEX).gather(_right(bits, 16 * n) % _whole(1 << 16)) for n in (3, 2, 1, 0)]
        return pl.concat_str(parts)


def _whole(number: int) -> pl.Expr:
    return pl.lit(number, dtype=pl.UInt64)


def _right(bits: pl.Expr, places: int) -> pl.Expr:
    return bits // _whole(1 << places) if places else bits


def _splitmix(bits: pl.Expr) -> pl.Expr:
    """The scrambling step of splitmix64: a bijection of 64-bit integers."""
    bits = (bits ^ _right(bits, 30)) * _whole(0xBF58476D1CE4E5B9)
    bits = (bits ^ _right(bits, 27)) * _whole(0x94D049BB133111EB)
    return bits ^ _right(bits, 31)
