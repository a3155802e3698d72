"""`daybook ask`: the questions in `analyses/`, with their answers.

A question is a file with one SELECT. Its first comment line is the question (without one: the
file name in words), its rows are the answer. A column called `answer` is the sentence: its value
in the first row is printed above the rows. `{{ ref() }}`, `{{ source() }}` and `{{ var() }}` work
as in dbt, and comment lines like `-- needs: event NAME` say what the tracking plan must have.

    files     finds the question files, and those that a number, name or word picks
    template  Jinja -> SQL
    needs     which needs of a question the tracking plan lacks
    answers   SQL -> a sentence and rows, or one line that says why there are none
    printing  text for people, JSON for machines
"""

from loaders.asking.answers import Answer, Asker
from loaders.asking.command import ask, last_complete_day
from loaders.asking.printing import as_text, as_texts, is_share

__all__ = [
    "Answer",
    "Asker",
    "as_text",
    "as_texts",
    "ask",
    "is_share",
    "last_complete_day",
]
