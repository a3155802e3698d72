"""Lines that no loader should take: each is quarantined, for one reason."""

import polars as pl

from loaders.simulate.calendar import DAY, HOUR, Calendar

TIME = '"timestamp":"2025-05-05T05:05:05.000Z","receivedAt":"2025-05-05T05:05:06.000Z"'
BROKEN = [
    f'{{"type":"track","event":"report_loaded","userId":"u_broken",{TIME}',  # cut short
    f'{{"event":"report_loaded","userId":"u_broken",{TIME}}}',  # no type
    f'{{"type":"track","event":"report_loaded",{TIME}}}',  # nobody
    f'{{"type":"track","userId":"u_broken",{TIME}}}',  # no event
    f'{{"type":"group","userId":"u_broken","traits":{{"plan":"scale"}},{TIME}}}',  # no group
    f'{{"type":"alias","userId":"u_broken",{TIME}}}',  # no previous id
    '{"type":"track","event":"report_loaded","userId":"u_broken"}',  # no time
    '{"type":"track","event":"report_loaded","userId":"u_broken","timestamp":"yesterday"}',
    f'{{"type":"track","event":"report_loaded","userId":"u_broken","n":NaN,{TIME}}}',
    f'[{{"type":"track","event":"report_loaded","userId":"u_broken",{TIME}}},]',  # a comma too many
    f'{{"type":"purchase","event":"report_loaded","userId":"u_broken",{TIME}}}',  # unknown type
    f'{{"type":"track","event":"report_loaded","userId":"",{TIME},}}',  # a comma too many
    "upstream connect error or disconnect/reset before headers",
    '{"batch":[]}',
]
EVERY = 3  # days
BLANK_EVERY = 10  # days


def broken_lines(first: int, after: int, calendar: Calendar, companies: int) -> pl.DataFrame:
    """One broken line on the server on every third day, and more where there is more traffic."""
    rows = []
    for day in range(first, min(after, calendar.as_of + 1)):
        number = day - calendar.first_day
        if number % EVERY == 0:
            for n in range(1 + companies // 1000):
                line = BROKEN[(number // EVERY + n) % len(BROKEN)]
                rows.append((day * DAY + 11 * HOUR + n, n % 2 == 1, line))
        if number % BLANK_EVERY == BLANK_EVERY - 1:
            rows.append((day * DAY + 12 * HOUR, False, ""))
    return pl.DataFrame(
        rows,
        schema={"received": pl.Int64, "is_web": pl.Boolean, "line": pl.String},
        orient="row",
    )
