"""`daybook notebook`: the published marts in a marimo notebook.

    night      opens the night that readers see
    choices    what the controls offer: reports, breakdowns, periods
    views      a function for each part of the notebook: marts and choices -> View

The notebook is `analyses/notebooks/product.py`. A new kind of report adds a function to `views` and
a line to the notebook; one that has a section in the report and no choices needs the line alone:
`views.show(its_section(night.marts))`.
"""

from loaders.notebook.command import notebook

__all__ = ["notebook"]
