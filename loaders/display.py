"""Formats numbers, paths and untrusted text for a terminal."""

import os


def safe(text: str | bytes) -> str:
    """`text` with every character escaped that a terminal could read as a command."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text.encode("utf-8", "backslashreplace").decode()
    )


def plural(number: int, one: str, many: str | None = None) -> str:
    """`1 file`, `2,000 files`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def show_path(path: str) -> str:
    """The shortest form of a path, seen from the working folder."""
    if "://" in path:  # an object of a bucket
        return safe(path)
    relative = os.path.relpath(path)
    return safe(path if relative.startswith("..") else relative)
