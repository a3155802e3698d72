"""Acts as calls, in the shape of `raw.calls`."""

import polars as pl

from loaders.simulate.chance import Chance
from loaders.simulate.jsontext import instant, json_object

# The columns of raw.calls, in order.
CALLS = pl.Schema(
    {
        "load_id": pl.Int64(),
        "line_number": pl.Int64(),
        "call_number": pl.Int64(),
        "in_batch": pl.Boolean(),
        "type": pl.String(),
        "message_id": pl.String(),
        "user_id": pl.String(),
        "anonymous_id": pl.String(),
        "group_id": pl.String(),
        "previous_id": pl.String(),
        "event": pl.String(),
        "name": pl.String(),
        "category": pl.String(),
        "channel": pl.String(),
        "properties": pl.String(),
        "traits": pl.String(),
        "context": pl.String(),
        "integrations": pl.String(),
        "timestamp": pl.String(),
        "original_timestamp": pl.String(),
        "sent_at": pl.String(),
        "received_at": pl.String(),
    }
)

WEB_LIBRARY = '{"name":"analytics.js","version":"npm:next-1.81.0"}'
SERVER_LIBRARY = '{"name":"segment-analytics-python","version":"2.3.4"}'
BROWSERS = [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/137.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:139.0) Gecko/20100101 Firefox/139.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1",
]


def as_calls(
    sent: pl.DataFrame, people: pl.DataFrame, companies: pl.DataFrame, chance: Chance
) -> pl.DataFrame:
    """Write delivered acts as calls; `received` and `is_web` are added for the files."""
    named = (
        sent.join(
            people.select("person", "user_id", "former_id", "aliased_at"),
            on="person",
            how="left",
            maintain_order="left",
        )
        .join(
            companies.select("company", "company_id"),
            on="company",
            how="left",
            maintain_order="left",
        )
        .with_columns(
            device_id=pl.when(pl.col("device").is_not_null()).then(chance.id("device", "device")),
            hex=chance.id("message id", "key"),
        )
    )
    kind, is_alias = pl.col("type"), pl.col("type") == "alias"
    with_properties = kind.is_in(["track", "page"])
    with_traits = kind.is_in(["identify", "group"])
    goes_by_former = (pl.col("at") < pl.col("aliased_at")).fill_null(False)
    return named.select(
        call_number=pl.lit(1, dtype=pl.Int64),
        in_batch=pl.lit(False),
        type=kind,
        message_id=pl.when("is_web")
        .then(pl.concat_str(pl.lit("ajs-next-"), pl.col("at"), pl.lit("-"), pl.col("hex")))
        .otherwise(pl.concat_str(pl.lit("py-"), pl.col("hex"))),
        user_id=pl.when("sends_user").then(
            pl.when(goes_by_former).then("former_id").otherwise("user_id")
        ),
        anonymous_id=pl.when(~is_alias).then("device_id"),
        group_id=pl.when(kind == "group").then("company_id"),
        previous_id=pl.when(is_alias).then(pl.coalesce("device_id", "former_id")),
        event=pl.col("event"),
        name=pl.when(kind == "page").then(pl.lit("Page")),
        category=pl.lit(None, dtype=pl.String),
        channel=pl.when("is_web").then(pl.lit("client")).otherwise(pl.lit("server")),
        properties=pl.when(with_properties).then("payload"),
        traits=pl.when(with_traits).then("payload"),
        context=_context(chance),
        integrations=pl.lit("{}"),
        timestamp=instant(pl.col("at")),
        original_timestamp=instant(pl.col("original_at")),
        sent_at=instant(pl.col("sent_at")),
        received_at=instant(pl.col("received_at")),
        received=pl.col("received_at"),
        is_web=pl.col("is_web"),
    )


def _context(chance: Chance) -> pl.Expr:
    web = pl.col("is_web")
    browser = chance.one_of(BROWSERS, "browser", "device")
    ip = pl.format("203.0.113.{}", chance.below(255, "ip", "device"))
    return json_object(
        {
            "groupId": pl.when("sends_group").then("company_id"),
            "ip": pl.when(web).then(ip),
            "userAgent": pl.when(web).then(browser),
        },
        {"library": pl.when(web).then(pl.lit(WEB_LIBRARY)).otherwise(pl.lit(SERVER_LIBRARY))},
    )


def in_raw_shape(calls: pl.DataFrame, load_id: int) -> pl.DataFrame:
    """Give calls the columns of `raw.calls`, as if they had landed as one file."""
    return calls.with_columns(
        load_id=pl.lit(load_id, dtype=pl.Int64),
        line_number=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
    ).select(CALLS.names())


def as_lines(calls: pl.DataFrame) -> pl.DataFrame:
    """Write one JSON line per call, as an archive does: `received`, `is_web`, `line`."""
    texts = {
        "type": "type",
        "messageId": "message_id",
        "userId": "user_id",
        "anonymousId": "anonymous_id",
        "groupId": "group_id",
        "previousId": "previous_id",
        "event": "event",
        "name": "name",
        "channel": "channel",
        "originalTimestamp": "original_timestamp",
        "sentAt": "sent_at",
        "receivedAt": "received_at",
        "timestamp": "timestamp",
    }
    ready = ["properties", "traits", "context", "integrations"]
    line = json_object(
        {key: pl.col(column) for key, column in texts.items()},
        {key: pl.col(key) for key in ready} | {"version": pl.lit("2")},
    )
    return calls.select("received", "is_web", line=line)
