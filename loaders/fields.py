"""The fields of a call: their names as sent and in `raw.calls`, and the SQL that judges them."""

from importlib import resources

# As the sender writes it: (as raw.calls has it, its type there).
FIELDS = {
    "type": ("type", "VARCHAR"),
    "messageId": ("message_id", "VARCHAR"),
    "userId": ("user_id", "VARCHAR"),
    "anonymousId": ("anonymous_id", "VARCHAR"),
    "groupId": ("group_id", "VARCHAR"),
    "previousId": ("previous_id", "VARCHAR"),
    "event": ("event", "VARCHAR"),
    "name": ("name", "VARCHAR"),
    "category": ("category", "VARCHAR"),
    "channel": ("channel", "VARCHAR"),
    "properties": ("properties", "JSON"),
    "traits": ("traits", "JSON"),
    "context": ("context", "JSON"),
    "integrations": ("integrations", "JSON"),
    "timestamp": ("timestamp", "VARCHAR"),
    "originalTimestamp": ("original_timestamp", "VARCHAR"),
    "sentAt": ("sent_at", "VARCHAR"),
    "receivedAt": ("received_at", "VARCHAR"),
}
# Read to judge a call by, not kept.
WITNESSES = {"batch": "JSON", "distinct_id": "VARCHAR"}
SENT = {name: kind for name, (_, kind) in FIELDS.items()} | WITNESSES

# Text or a number. A list, an object or a boolean in their place is absent, and so is text without
# a letter. White space at the ends does not count, and 42.0 is 42. `type` is judged as it was sent.
IDS = ("type", "messageId", "userId", "anonymousId", "groupId", "previousId", "event")
TIMES = ("timestamp", "originalTimestamp", "sentAt", "receivedAt")

# What an item of a batch takes from its body, where it has none itself.
INHERITED = ("sentAt", "receivedAt", "context")

_LONGEST_DOUBLE = len("-1.2345678901234567e+300")
# What Python's `str.strip` takes away.
WHITE_SPACE = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)


def columns_kept() -> str:
    """The columns of `raw.calls` from `type` on."""
    return ", ".join(f'"{column}"' for column, _ in FIELDS.values())


def select_kept() -> str:
    """From the sender's names to those of `raw.calls`; an empty id or time is null."""
    return ", ".join(
        f"""nullif("{name}", '') as "{column}\""""
        if name in IDS or name in TIMES
        else f'"{name}" as "{column}"'
        for name, (column, _) in FIELDS.items()
    )


def readable_time(text: str) -> str:
    """The SQL for the time that `text` (an SQL expression) holds, as a UTC timestamp, or null."""
    return _sql("readable_time.sql").replace("{text}", text)


def reason() -> str:
    """The SQL for why a call cannot be landed, or null."""
    # `coalesce` stops at the first readable time.
    time = ", ".join(readable_time(FIELDS[name][0]) for name in TIMES)
    return _sql("reason.sql").replace("{no_readable_time}", f"coalesce({time}) is null")


def not_told_apart() -> str:
    """The SQL for rows whose line Python has to look at.

    A batch body; a call without an id of its own; and ids that are not kept as they were sent, or
    perhaps not: in a text column a boolean, a list, an object or a number looks like its text.
    """
    odd = [
        test
        for column in (FIELDS[name][0] for name in IDS if name != "type")
        for test in (
            f"""prefix("{column}", '[')""",
            f"""prefix("{column}", '{{')""",
            f""""{column}" = 'true'""",
            f""""{column}" = 'false'""",
            _has_space_at_an_end(column),
            _may_be_a_whole_double(column),
        )
    ]
    # A `case` takes half the time of an `or`, and is never null.
    whens = " ".join(f"when {test} then true" for test in odd)
    return f"case when batch is not null or message_id is null then true {whens} else false end"


def company_in_context() -> str:
    """The SQL for the company that `context` names, as the models read it."""
    text = "json_extract_string(context, '$.\"groupId\"')"
    number = f"try_cast({text} as double)"
    return f"""case json_type(context, '$."groupId"')
        when 'VARCHAR' then nullif(trim({text}, '{WHITE_SPACE}'), '')
        when 'DOUBLE' then case
            when abs({number}) < 1e15 and {number} = trunc({number})
                then cast(cast({number} as bigint) as varchar)
            else cast({number} as varchar)
        end
        when 'BIGINT' then {text}
        when 'UBIGINT' then {text}
        when 'HUGEINT' then {text}
    end"""


def _has_space_at_an_end(column: str) -> str:
    """To trim all white space is slow: only text with ASCII space or with other letters is."""
    return f"""case
        when "{column}" < '!' or "{column}"[-1] <= ' ' or strlen("{column}") <> length("{column}")
            then "{column}" <> trim("{column}", '{WHITE_SPACE}')
    end"""


def _may_be_a_whole_double(column: str) -> str:
    """As DuckDB writes one: `42.0`, `1.5e+20`. It may also be text."""
    return rf"""case
        when "{column}" < ':' and strlen("{column}") <= {_LONGEST_DOUBLE}
            then regexp_full_match("{column}", '-?[0-9]+(?:\.[0-9]+)?(?:\.0|e\+[0-9]+)')
    end"""


def _sql(name: str) -> str:
    lines = resources.files("loaders").joinpath(name).read_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith("--")).strip()
