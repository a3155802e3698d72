"""The SQL that judges calls: which to quarantine, and which lines Python has to check."""

from importlib import resources

from loaders.fields import FIELDS, IDS, TIMES, WHITE_SPACE, readable_time

_LONGEST_DOUBLE = len("-1.2345678901234567e+300")


def reason() -> str:
    """The SQL for why a call cannot be landed, or null."""
    # `coalesce` stops at the first readable time.
    time = ", ".join(readable_time(FIELDS[name][0]) for name in TIMES)
    return _sql("reason.sql").replace("{no_readable_time}", f"coalesce({time}) is null")


def needs_python() -> str:
    """The SQL for rows whose line Python has to check.

    These are batch bodies, calls without a message id, and calls with an id that is not, or may not
    be, kept as it was sent: in a text column, a boolean, list, object or number looks like text.
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


def _has_space_at_an_end(column: str) -> str:
    """Trimming is slow: do it only for ASCII space at an end, or for other than ASCII letters."""
    return f"""case
        when "{column}" < '!' or "{column}"[-1] <= ' ' or strlen("{column}") <> length("{column}")
            then "{column}" <> trim("{column}", '{WHITE_SPACE}')
    end"""


def _may_be_a_whole_double(column: str) -> str:
    """Whether a text looks as DuckDB writes a double: `42.0`, `1.5e+20`. It may have been text."""
    return rf"""case
        when "{column}" < ':' and strlen("{column}") <= {_LONGEST_DOUBLE}
            then regexp_full_match("{column}", '-?[0-9]+(?:\.[0-9]+)?(?:\.0|e\+[0-9]+)')
    end"""


def _sql(name: str) -> str:
    lines = resources.files("loaders.landing").joinpath(name).read_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith("--")).strip()
