"""How numbers, paths and text of unknown origin are shown on a terminal."""

import os


def safe(text: str | bytes) -> str:
    """`text` with everything escaped that a terminal could take for a command."""
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
    """A path as short as it can be named from here."""
    if "://" in path:  # an object of a bucket
        return safe(path)
    relative = os.path.relpath(path)
    return safe(path if relative.startswith("..") else relative)
