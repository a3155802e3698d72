"""JSON text made column by column."""

import polars as pl


def json_object(texts: dict[str, pl.Expr], ready: dict[str, pl.Expr] | None = None) -> pl.Expr:
    """Write a JSON object per row; a null leaves its key out.

    `texts` are values to encode (strings, numbers, booleans), `ready` are JSON already.
    """
    members = [
        pl.when(value.is_not_null()).then(
            pl.struct(value.alias(key)).struct.json_encode().str.strip_prefix("{").str.head(-1)
        )
        for key, value in texts.items()
    ]
    members += [pl.lit(f'"{key}":') + value for key, value in (ready or {}).items()]
    body = pl.concat_str(members, separator=",", ignore_nulls=True)
    return pl.concat_str([pl.lit("{"), body, pl.lit("}")])


def instant(milliseconds: pl.Expr) -> pl.Expr:
    """Write a time as browsers do: 2025-03-04T05:06:07.089Z."""
    return milliseconds.cast(pl.Datetime("ms")).dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
