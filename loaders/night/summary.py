"""The summary of a night: a text that a person reads in ten seconds, and JSON for a webhook."""

import json
import urllib.error
import urllib.request
from datetime import datetime
from typing import Any

from loaders.asking import as_texts
from loaders.display import plural, safe

Document = dict[str, Any]
_SHOWN = 3
_TIMEOUT = 10  # seconds


def text(document: Document) -> str:
    """Return the summary of a published night."""
    came, changed = document["came_in"], document["changed"]
    rows = [
        ("Came in", _came(came)),
        ("Changed", _changed(changed)),
        *(("", _cell(each)) for each in changed["largest"][:_SHOWN]),
        *((("Wrong" if i == 0 else ""), each) for i, each in enumerate(_wrong(document))),
        ("Took", ", ".join(f"{step} {s:.1f} s" for step, s in document["seconds"].items())),
        ("Look at", _where(document)),
    ]
    day = f"up to {document['as_of']}" if document["as_of"] else "without any day yet"
    lines = [f"Night {document['night']} is published, {day}."]
    lines += [f"  {name:<9}{safe(value)}" for name, value in rows]
    return "\n".join(lines)


def as_json(document: Document) -> str:
    """Return a document as JSON. Times are UTC, and say so."""

    def written(value: Any) -> str:
        if isinstance(value, datetime):
            return value.isoformat(timespec="seconds") + "Z"
        return str(value)

    return json.dumps(document, indent=2, default=written)


def post(url: str, document: Document) -> str | None:
    """Post a document to a webhook. Return None, or one line that says what went wrong."""
    try:
        request = urllib.request.Request(
            url,
            data=as_json(document).encode(),
            headers={"Content-Type": "application/json", "User-Agent": "daybook"},
            method="POST",
        )
        if request.type not in ("http", "https"):
            return f"{url} is no http or https address. Correct --notify."
        with urllib.request.urlopen(request, timeout=_TIMEOUT):
            return None
    except urllib.error.HTTPError as error:
        return f"The webhook {url} answered {error.code}: nobody may have been notified."
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        return f"The webhook {url} cannot be reached ({reason}): nobody was notified."


def _came(came: Document) -> str:
    total = came["total"]
    parts = [plural(total["files"], "file"), plural(total["calls"], "call")]
    if total["quarantined"]:
        why = ", ".join(came["quarantined_because"])
        parts.append(f"{plural(total['quarantined'], 'line')} quarantined ({why})")
    if total["forgotten"]:
        parts.append(f"{plural(total['forgotten'], 'line')} of forgotten people left out")
    if total["refused"]:
        parts.append(plural(total["refused"], "file refused", "files refused"))
    return ", ".join(parts)


def _changed(changed: Document) -> str:
    cells = changed["restated_cells"]
    if not cells:
        return "no number of a complete period"
    why = ", ".join(changed["cells_by_reason"]) or "no reason found"
    return f"{plural(cells, 'number')} of complete periods ({why}); the largest:"


def _cell(cell: Document) -> str:
    where = [cell["report"], cell["entity"], cell["period"], str(cell["period_start"] or "")]
    where += [cell["dimension"], cell["value_name"]]
    why = ", ".join(f"{reason}: {count:,}" for reason, count in cell["reasons"].items())
    told = " ".join(part for part in where if part)
    return f"{told}: {_value(cell, 'before')} -> {_value(cell, 'after')} ({why or 'no reason'})"


def _value(cell: Document, side: str) -> str:
    ((text,),) = as_texts([cell["value_name"]], [[cell[side]]])
    return "nothing" if cell[side] is None else text


def _wrong(document: Document) -> list[str]:
    wrong = list(document["wrong"])
    if unexplained := document["changed"]["cells_without_a_reason"]:
        wrong.append(f"{plural(unexplained, 'number')} changed for no known reason")
    more = len(wrong) - _SHOWN
    return [*wrong[:_SHOWN], f"and {more} more (night.json)"] if more > 0 else wrong or ["nothing"]


def _where(document: Document) -> str:
    places = ["published/report.html", "published/daybook.duckdb"]
    if document["came_in"]["total"]["quarantined"]:
        places.append("daybook quarantine")
    return ", ".join(places)
