"""The fields of a call: their names as sent and in `raw.calls`, and the SQL that reads them."""

import re
from functools import cache

from loaders.package import dbt_package

# Name as sent: (name in raw.calls, type in raw.calls).
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
# Read to judge a call, but not kept.
WITNESSES = {"batch": "JSON", "distinct_id": "VARCHAR"}
SENT = {name: kind for name, (_, kind) in FIELDS.items()} | WITNESSES

# Ids are text or a number. A list, an object or a boolean counts as absent, and so does blank text.
# White space at the ends does not count, and 42.0 is 42. `type` is judged as it was sent.
IDS = ("type", "messageId", "userId", "anonymousId", "groupId", "previousId", "event")
TIMES = ("timestamp", "originalTimestamp", "sentAt", "receivedAt")

# Fields that an item of a batch inherits from the batch body if it lacks them.
INHERITED = ("sentAt", "receivedAt", "context")

# The characters that Python's `str.strip` removes.
WHITE_SPACE = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)


def columns_kept() -> str:
    """The columns of `raw.calls` from `type` on."""
    return ", ".join(f'"{column}"' for column, _ in FIELDS.values())


def select_kept() -> str:
    """Rename fields from names as sent to those of `raw.calls`; an empty id or time is null."""
    return ", ".join(
        f"""nullif("{name}", '') as "{column}\""""
        if name in IDS or name in TIMES
        else f'"{name}" as "{column}"'
        for name, (column, _) in FIELDS.items()
    )


def readable_time(text: str) -> str:
    """The SQL for the time that `text` (an SQL expression) holds, as a UTC timestamp, or null."""
    return _readable_time().replace("{{ text }}", text)


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


@cache
def _readable_time() -> str:
    """Return the SQL of the models' macro, so that the loader reads times by the same rule."""
    file = (dbt_package() / "macros" / "readable_time.sql").read_text()
    macros = dict(re.findall(r"macro (\w+)\(\w*\) -%}(.*?){%- endmacro %}", file, re.DOTALL))
    return macros["readable_time"].replace("{{ iso_8601() }}", macros["iso_8601"].strip())
