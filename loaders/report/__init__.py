"""`daybook report`: the marts as one page that opens without a network.

    marts      reads the tables; a missing table has no rows
    sections/  a function for each part of the page: marts -> Section, or None
    charts     Altair -> SVG in the colours of the page
    tables     rows -> an HTML table
    html       the templates, which escape every text
    page       the list of sections, and writing the file

A new kind of report needs a function in `sections/` and a line in `page.SECTIONS`.
"""

from loaders.report.command import report
from loaders.report.page import write_report

__all__ = ["report", "write_report"]
