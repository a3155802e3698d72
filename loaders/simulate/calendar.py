"""The days of the imaginary world. It ends on a fixed date, so that no clock is asked."""

from dataclasses import dataclass
from datetime import date, timedelta

DAY = 86_400_000  # milliseconds, as all lengths of time here
HOUR = 3_600_000
SECOND = 1_000

# A Wednesday, the second of a month: the last week and the last month are not over yet.
AS_OF = date(2025, 7, 2)
LONGEST = 3650  # days


def number_of(day: date) -> int:
    """Days since 1970."""
    return (day - date(1970, 1, 1)).days


def date_of(number: int) -> date:
    """Turn days since 1970 back into a date."""
    return date(1970, 1, 1) + timedelta(days=number)


def week_of(day):
    """Number the week of a day (a number or an expression); weeks begin on Monday."""
    return (day + 3) // 7


def weekday_of(day):
    """Return 0 for Monday to 6 for Sunday; `day` is a number or an expression."""
    return (day + 3) % 7


@dataclass(frozen=True)
class Calendar:
    """Complete days from `first_day` to `as_of`, and the first hours of the next day."""

    days: int

    @property
    def as_of(self) -> int:
        """The last complete day."""
        return number_of(AS_OF)

    @property
    def first_day(self) -> int:
        """The first day."""
        return self.as_of - self.days + 1

    @property
    def end(self) -> int:
        """The end of the last complete day, in milliseconds since 1970, exclusive."""
        return (self.as_of + 1) * DAY

    @property
    def last_event(self) -> int:
        """The time after which there are no more acts."""
        return self.end + 6 * HOUR

    @property
    def last_delivery(self) -> int:
        """The time after which no call arrives."""
        return self.end + 7 * HOUR

    @property
    def renamed_at(self) -> int:
        """The time from which `invited_a_temmate` is spelled correctly."""
        return (self.first_day + self.days * 2 // 5) * DAY

    @property
    def last_whole_month(self) -> tuple[int, int]:
        """The first and the last day of the last month that is over."""
        last = AS_OF.replace(day=1) - timedelta(days=1)
        return number_of(last.replace(day=1)), number_of(last)
