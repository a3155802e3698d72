"""An act: an action of a person, as numbers, before it becomes a call."""

import polars as pl

from loaders.simulate.calendar import Calendar
from loaders.simulate.jsontext import json_object
from loaders.simulate.world import FORMER_NAMES

ACTS = pl.Schema(
    {
        "key": pl.UInt64(),  # no two acts share one
        "type": pl.String(),
        "event": pl.String(),
        "payload": pl.String(),  # properties or traits, as JSON
        "at": pl.Int64(),  # milliseconds since 1970
        "person": pl.Int64(),  # null: not known to anybody
        "company": pl.Int64(),  # which one it counts for
        "device": pl.UInt64(),  # the anonymous id, where one is sent
        "sends_user": pl.Boolean(),
        "sends_group": pl.Boolean(),
        "is_web": pl.Boolean(),  # from the browser, else from the server
    }
)


def acts(frame: pl.DataFrame, kind: str, at: str | pl.Expr, **columns) -> pl.DataFrame:
    """Shape a frame with a person and a company per row as acts without keys.

    By default, an act is sent by a server, for a known user and without a group.
    """
    usual = {
        "event": None,
        "payload": "{}",
        "person": pl.col("person"),
        "company": pl.col("company"),
        "device": None,
        "sends_user": True,
        "sends_group": False,
        "is_web": False,
    }
    columns = usual | {"type": kind, "at": pl.col(at) if isinstance(at, str) else at} | columns
    return frame.select(
        _expression(columns[name]).cast(dtype).alias(name)
        for name, dtype in ACTS.items()
        if name != "key"
    )


def payload(**values) -> pl.Expr:
    """Write properties or traits; a keyword is a key, its value a column name or an expression."""
    return json_object(
        {key: pl.col(value) if isinstance(value, str) else value for key, value in values.items()}
    )


def spelled(event: pl.Expr, at: pl.Expr, calendar: Calendar) -> pl.Expr:
    """Return the event's spelling at the time of the act."""
    for former, name in FORMER_NAMES.items():
        early = (event == name) & (at < calendar.renamed_at)
        event = pl.when(early).then(pl.lit(former)).otherwise(event)
    return event


def _expression(value) -> pl.Expr:
    return value if isinstance(value, pl.Expr) else pl.lit(value)
