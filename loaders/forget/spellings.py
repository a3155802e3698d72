r"""The spellings of ids and addresses in texts: plain, and as URLs, JSON and HTML write them.

Each character may be spelled in its own way, and one spelling may stand within another: the `@` of
an address also as `%40`, `%2540`, `\u0040`, `\\u0040`, `%5Cu0040` or `&#64;`. ASCII letters and
digits are always plain. `pattern` and `plain` know the same spellings.
"""

import re
import sys
from collections.abc import Iterator

_PERCENT = "%(?:25)*"  # also in a URL within a URL
_BACKSLASHES = rf"(?:\\|{_PERCENT}5c)+"
_AMPERSAND = "&(?:amp;)*"
_NAMES = {'"': "quot", "&": "amp", "'": "apos", "<": "lt", ">": "gt"}
_WHITE_SPACE = "[bfnrt]"  # after a backslash

_SPELLED = re.compile(
    rf"""
    {_BACKSLASHES}u(?P<high>d[89ab][0-9a-f]{{2}}){_BACKSLASHES}u(?P<low>d[c-f][0-9a-f]{{2}})
    | {_BACKSLASHES}u(?P<json>[0-9a-f]{{4}})
    | {_BACKSLASHES}(?P<space>{_WHITE_SPACE})
    | {_BACKSLASHES}(?P<before>(?=["'/]|{_PERCENT}(?:22|27|2f)))
    | (?P<backslash>{_BACKSLASHES})
    | {_PERCENT}(?P<url>[0-9a-f]{{2}})
    | {_AMPERSAND}(?:
        [#]0*(?P<html>[0-9]{{1,7}}) | [#]x0*(?P<hex>[0-9a-f]{{1,6}}) | (?P<name>quot|apos|lt|gt)
    );
    | &(?P<ampersand>amp;)+
    """.encode(),
    re.IGNORECASE | re.VERBOSE,
)
_CHARACTERS = {name.encode(): letter.encode() for letter, name in _NAMES.items()}
_FIXED = {"space": b"\n", "before": b"", "backslash": b"\\", "ampersand": b"&"}


def pattern(text: str) -> str:
    """Return the regular expression, without groups, of all spellings of a text."""
    return "".join(map(_pattern_of, text))


def plain_part(text: str) -> str:
    """Return the longest part of a text that all of its spellings have in common."""
    return max(re.split("[^A-Za-z0-9]+", text), key=len)


def any_except(characters: str, *, in_json: bool = False) -> str:
    r"""Return the regular expression of one character, plain or spelled, that is not in a class.

    `characters` is a class of ASCII characters such as `a-z_`. In JSON a backslash belongs to what
    follows: `\n77` is a line that begins with 77, and `\\n77` is a backslash before n77.
    """
    others = (code for code in range(128) if not re.match(f"[{characters}]", chr(code)))
    codes = "|".join(f"{code:02x}" for code in others)
    spelled = f"{_PERCENT}(?:{codes})|{_BACKSLASHES}(?:u00(?:{codes})|{_WHITE_SPACE})"
    as_such = rf"[^\\{characters}]|[^\\](?:\\\\)+" if in_json else f"[^{characters}]"
    return f"{as_such}|(?i:{spelled})"


def plain(text: bytes) -> bytes:
    """Return a text in which each spelled character is plain."""
    return _SPELLED.sub(_character, text)


def _pattern_of(letter: str) -> str:
    if letter.isascii() and letter.isalnum():
        return letter
    as_such = re.escape(letter)  # RE2 and Python read it alike
    forms = [as_such]
    if letter == "\\":
        forms.append(_BACKSLASHES)
    elif letter in "\"'/":
        forms.append(f"{_BACKSLASHES}(?:{as_such}|{_PERCENT}{ord(letter):02x})")
    elif letter == " ":
        forms.append(r"\+")
    if letter == "&":
        forms.append("&(?:amp;)+")
    elif letter in _NAMES:
        forms.append(f"{_AMPERSAND}{_NAMES[letter]};")
    for each in sorted({letter, letter.lower(), letter.upper()}):
        forms += _as_codes(each)
    return f"(?i:{'|'.join(forms)})"


def _as_codes(text: str) -> Iterator[str]:
    """Yield the patterns of a letter's codes: of its bytes in UTF-8, of UTF-16, of Unicode."""
    yield "".join(f"{_PERCENT}{byte:02x}" for byte in text.encode(errors="surrogatepass"))
    units = text.encode("utf-16-be", errors="surrogatepass").hex(" ", 2).split()
    yield "".join(f"{_BACKSLASHES}u{unit}" for unit in units)
    if len(text) == 1:
        yield f"{_AMPERSAND}#(?:0*{ord(text)}|x0*{ord(text):x});"


def _character(found: re.Match[bytes]) -> bytes:
    kind = found.lastgroup
    told = found[kind]
    if kind in _FIXED:
        return _FIXED[kind]
    if kind == "name":
        return _CHARACTERS[told.lower()]
    if kind == "low":
        return bytes.fromhex((found["high"] + told).decode()).decode("utf-16-be").encode()
    if kind == "url":
        one = bytes.fromhex(told.decode())
    else:
        code = int(told, 10 if kind == "html" else 16)
        one = chr(min(code, sys.maxunicode)).encode(errors="replace")
    return found[0] if one.isalnum() else one
