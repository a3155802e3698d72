"""The certificate of an erasure: what was removed and checked, as a page and as JSON."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from loaders.display import plural, show_path
from loaders.forget.mentions import ERASED, Mentions
from loaders.forget.rewriting import Rewritten
from loaders.forget.search import Found

_CORRECTED = ("raw.loads", "raw.copies", "raw.taken_out")  # their paths may mention an id


@dataclass
class Certificate:
    """`before` and `after` are results of the same search, in the old and in the new files."""

    mentions: Mentions
    forgotten_at: datetime
    rewritten: Rewritten
    before: Found
    after: Found
    night: int | None = None  # the night that was published without them
    removed_nights: list[str] = field(default_factory=list)
    removed_files: list[str] = field(default_factory=list)
    is_build_due: bool = True

    def document(self) -> dict[str, Any]:
        """Return the certificate as a JSON-serializable dict."""
        people, done = self.mentions.people, self.rewritten
        return {
            "forgotten": {
                "users": sorted(people.users),
                "devices": sorted(people.devices - people.users),
                "companies": sorted(people.companies),
                "emails": sorted(people.emails),
                "at": self.forgotten_at.isoformat(timespec="seconds") + "Z",
            },
            "removed": {
                "calls": done.calls,
                "quarantined": done.quarantined,
                "rows_by_table": self._rows_by_table,
                "mentions_in_other_calls": done.mentions,
                "dropped_tables": done.dropped,
                "traits_of_companies": done.companies,
                "nights": self.removed_nights,
                "files": self.removed_files,
            },
            "night": self.night,
            "left": {
                "shared_devices": sorted(people.shared_devices),
                "shared_emails": sorted(people.shared_emails),
            },
            "check": {
                "is_clean": self.after.is_clean,
                "tables": self.after.searched_tables,
                "files": self.after.searched_files,
                "bytes": self.after.searched_bytes,
                "rows_found": self.after.tables,
                "places_found": self.after.files,
                "within_longer_values": self.after.within_others,
                "searched_in_columns_of_ids_only": self.mentions.not_distinctive,
            },
            "log_files": [
                {"path": path, "load_id": load, "calls": calls} for load, path, calls in done.loads
            ],
            "build_due": self.is_build_due,
        }

    @property
    def _rows_by_table(self) -> dict[str, int]:
        """Removed rows by table. Raw rows in which only a mention was replaced are not counted."""
        counted = {"raw.calls": self.rewritten.calls, "raw.quarantine": self.rewritten.quarantined}
        rows = {
            table: counted.get(table, rows)
            for table, rows in self.before.tables.items()
            if table not in _CORRECTED
        }
        return {table: count for table, count in rows.items() if count}

    def text(self) -> str:
        """Return the certificate as plain text."""
        return "\n".join(
            [
                *self._who(),
                *self._removed(),
                *self._left(),
                *self._checked(),
                *self._logs(),
                *self._next(),
            ]
        )

    def _who(self) -> list[str]:
        people = self.mentions.people
        at = self.forgotten_at.isoformat(sep=" ", timespec="seconds")
        rows = [f"Erasure of {at} UTC"]
        for name, ones in (
            ("users", people.users),
            ("devices", people.devices - people.users),
            ("companies", people.companies),
            ("e-mail", people.emails),
        ):
            if ones:
                rows.append(f"  {name:<10} {', '.join(sorted(ones))}")
        return rows

    def _removed(self) -> list[str]:
        done = self.rewritten
        rows = ["Removed"]
        rows += [
            f"  {rows:>9,}  {'row ' if rows == 1 else 'rows'} of {table}"
            for table, rows in self._rows_by_table.items()
        ]
        if done.mentions:
            rows.append(
                f"  {done.mentions:>9,}  {'call' if done.mentions == 1 else 'calls'} of others that"
                f" mention them: {ERASED} or a pseudonym stands there now"
            )
        if done.companies:
            rows.append(
                f"  traits that their group calls gave to {', '.join(done.companies)}: traits"
                " from other calls stay"
            )
        if not self._rows_by_table and not done.mentions:
            rows.append("  nothing: no row and no file held anything of theirs")
        if self.removed_nights or self.removed_files:
            rows.append(f"  files      {', '.join([*self.removed_nights, *self.removed_files])}")
        return rows

    def _left(self) -> list[str]:
        people = self.mentions.people
        rows = []
        if people.shared_devices:
            rows.append(
                f"  devices    {', '.join(sorted(people.shared_devices))}: others use them too"
            )
        if people.shared_emails:
            rows.append(
                f"  e-mail     {', '.join(sorted(people.shared_emails))}: others have it too"
            )
        for file, values in self.after.within_others.items():
            rows.append(f"  {file}: in other values ({'; '.join(values)})")
        return ["Left", *rows] if rows else []

    def _checked(self) -> list[str]:
        after = self.after
        size = f"{after.searched_bytes / 1e6:,.1f} MB"
        rows = [
            "Checked",
            f"  {plural(after.searched_tables, 'table')} in"
            f" {plural(after.searched_files, 'file')} ({size}): no id of theirs in a column of ids",
        ]
        if self.mentions:
            rows.append(
                "  every text column and every byte of these files: no long id and no e-mail"
                " address, in any spelling of URLs, JSON and HTML"
            )
        if self.mentions.not_distinctive:
            short = ", ".join(self.mentions.not_distinctive)
            rows.append(
                f"  short ids, searched in columns of ids only: {short} (elsewhere the"
                " same text may occur by chance)"
            )
        return rows

    def _logs(self) -> list[str]:
        if not self.rewritten.loads:
            return []
        rows = ["Log files that still hold them, for you to delete or to edit"]
        return rows + [
            f"  {show_path(path)} (load {load}, {plural(calls, 'call')})"
            for load, path, calls in self.rewritten.loads
        ]

    def _next(self) -> list[str]:
        if self.night:
            return [f"Night {self.night} is published without them; earlier nights are removed."]
        return ["Run dbt build to make the tables again."] if self.is_build_due else []
