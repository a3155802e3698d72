"""The spellings in which `daybook forget` finds an id: it must miss none, in any place."""

import html
import json
from urllib.parse import quote

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loaders.forget.mentions import Mentions
from loaders.forget.people import People

IDS = [
    "ana.maria+x@mail.example",
    "josé@mail.example",
    "ana-4711_b",
    "+5511988975131",
    r"Ana O'Brien%_\x-8899",
    "ünï\U0001f642-7788x",
    'a b&c<d>"e"/77889',
    "Ж+ыплонаекуцфйъхзщь",
]


@st.composite
def spelled(draw, one: str) -> str:
    """An id, each of its characters in a spelling of its own."""
    return "".join(draw(spellings(letter)) for letter in one)


def spellings(letter: str) -> st.SearchStrategy[str]:
    if letter.isascii() and letter.isalnum():
        return st.just(letter)
    units = letter.encode("utf-16-be").hex(" ", 2).split()
    codes = ["".join(f"%{byte:02x}" for byte in letter.encode()), "".join(rf"\u{u}" for u in units)]
    codes += [code.upper().replace(r"\U", r"\u") for code in codes]
    codes += [f"%25{code[1:]}" for code in codes if code[0] == "%" and letter.isascii()]
    codes += [rf"\{code}" for code in codes if code[0] == "\\" and len(units) == 1]
    codes += [quote(code, safe="") for code in codes] + [json.dumps(code)[1:-1] for code in codes]
    of_html = [f"&#{ord(letter)};", f"&#x{ord(letter):X};", html.escape(letter)]
    return st.sampled_from(
        [letter, *codes, *of_html, *({" ": ["+"], "/": [r"\/"]}.get(letter, []))]
    )


before, after = (
    st.sampled_from(["", "see ", "?a%20", r"x=\u003c", "%253D", r"Hi\n", r"\\n", '{"id":"']),
    st.sampled_from(["", ",", " x", "&b=1", "%26", '"}']),
)


@pytest.mark.parametrize("one", IDS)
@given(data=st.data(), before=before, after=after)
@settings(deadline=None)
def test_every_mix_of_spellings_is_replaced_and_found_in_lines_and_bytes(
    tmp_path_factory, one, data, before, after
):
    mentions = Mentions.of(People(users={one}))
    text = before + data.draw(spelled(one)) + after
    assert erased(mentions, text) == (before + "[erased]" + after, True)
    assert mentions.are_in_text(text.encode())
    path = tmp_path_factory.getbasetemp() / "bytes"
    path.write_bytes(b"\xff\x00" + text.encode() + b"\x00\xff")
    assert mentions.count_in_file(path) == {one: 1}


@pytest.mark.parametrize(
    "text",
    [
        "xana-4711_b", "ana-4711_bc", "ana-4711%5Fbc", "a%2Dana-4711_b", r"a\u005fana-4711_b",
        "ana-4711-b", "ana4711_b",
    ],
)  # fmt: skip
def test_a_longer_or_other_text_is_not_replaced(text):
    mentions = Mentions.of(People(users={"ana-4711_b"}))
    assert erased(mentions, text) == (text, False)
    assert not mentions.are_in_text(text.encode())


@pytest.mark.parametrize(
    ("text", "is_mentioned"),
    [("Hi\nora-4711", False), ("Hi\nnora-4711", True), (r"c:\nora-4711", True),
     (r"c:\\nora-4711", True), ("\\\nora-4711", False)],
)  # fmt: skip
def test_the_letter_of_an_escape_in_json_is_no_part_of_an_id(text, is_mentioned):
    r"""In JSON, `\nora-4711` is a line that begins with ora-4711: somebody else."""
    mentions = Mentions.of(People(users={"nora-4711"}))
    written = json.dumps({"text": text})
    ((kept, found, found_in_text),) = duckdb.execute(
        f"""
        select
            {mentions.erased_from("text", "json")}, {mentions.found_in({"text": "json"})},
            {mentions.found_in({"text": "varchar"}, may_be_json=True)}
        from (select $text::json as text)
        """,
        {"text": written},
    ).fetchall()
    assert (found, found_in_text) == (is_mentioned, is_mentioned)
    assert json.loads(kept)["text"] == text.replace("nora-4711", "[erased]")
    assert mentions.are_in_text(written.encode()) == is_mentioned


def test_ascii_letters_and_digits_are_plain_in_every_place(tmp_path):
    """What only the certificate found would stop every erasure."""
    mentions = Mentions.of(People(users={"ana-4711_b"}))
    text, path = "%61na%2D4711_b an&#97;-4711_b", tmp_path / "bytes"
    path.write_text(text)
    assert erased(mentions, text) == (text, False)
    assert mentions.count_in_file(path) == {}


def test_an_id_is_counted_once_at_the_border_of_two_reads(tmp_path, monkeypatch):
    one = "ana-4711_b"
    mentions = Mentions.of(People(users={one}))
    path = tmp_path / "bytes"
    path.write_bytes(b"ana%2D4711_b " * 200 + b"ana-4711_b")
    monkeypatch.setattr("loaders.forget.mentions._CHUNK", 100)
    assert mentions.count_in_file(path) == {one: 201}


def test_many_ids_are_found_in_one_search():
    ones = {f"{n:05}-user-{n}" for n in range(20_000)}
    mentions = Mentions.of(People(users=ones))
    assert erased(mentions, "by 19999-user-19999, 20000-user-20000, 00000%2Duser-0.") == (
        "by [erased], 20000-user-20000, [erased].",
        True,
    )


def erased(mentions: Mentions, text: str) -> tuple[str, bool]:
    """Return a text without mentions, and whether SQL finds a mention in it."""
    return duckdb.execute(
        f"""
        select {mentions.erased_from("text", "varchar")}, {mentions.found_in({"text": "varchar"})}
        from (select $text as text)
        """,
        {"text": text},
    ).fetchone()
