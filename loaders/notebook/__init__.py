"""`daybook notebook`: the published marts in a marimo notebook.

    night      opens the night that readers see
    choices    what the controls offer: reports, breakdowns, periods
    views      a function for each part of the notebook: marts and choices -> View

The notebook is `analyses/notebooks/product.py`. A new kind of report needs a function in `views`
and a line in the notebook. If it has a section in the report and no choices, it needs only the line
`views.show(its_section(night.marts))`.
"""

from loaders.notebook.command import notebook

__all__ = ["notebook"]
