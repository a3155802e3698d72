# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""The product in a notebook: daybook notebook, or marimo edit analyses/notebooks/product.py."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Product notebook")


@app.cell
def _():
    import marimo as mo

    from loaders.errors import DaybookError
    from loaders.notebook import choices, views
    from loaders.notebook.night import open_night

    return DaybookError, choices, mo, open_night, views


@app.cell
def _(DaybookError, mo, open_night):
    night, problem = None, ""
    try:
        night = open_night()
    except DaybookError as error:
        problem = str(error)
    mo.stop(night is None, mo.callout(problem, kind="warn"))
    marts = night.marts
    return marts, night


@app.cell
def _(choices, marts, mo):
    entities, periods = choices.entities(marts), choices.periods(marts)
    clocks = choices.clocks(marts)
    entity = mo.ui.dropdown(entities, next(iter(entities)), label="Who", full_width=True)
    period = mo.ui.dropdown(periods, choices.usual_period(marts), label="Period", full_width=True)
    clock = mo.ui.dropdown(
        clocks,
        "week" if "week" in clocks else clocks[0],
        label="Activity and adoption by",
        full_width=True,
    )
    return clock, entity, period


@app.cell
def _(choices, entity, marts, mo):
    reports = choices.reports(marts, entity.value)
    report = mo.ui.dropdown(
        reports, next(iter(reports), None), label="Retention report", full_width=True
    )
    return (report,)


@app.cell
def _(choices, marts, mo, report):
    trait, values = choices.breakdown(marts, report.value), choices.values(marts, report.value)
    value = mo.ui.dropdown(
        values,
        "everybody",
        label=f"Breakdown: {trait}" if trait else "Breakdown: none in this report",
        full_width=True,
    )
    return (value,)


@app.cell
def _(clock, entity, mo, period, report, value):
    mo.sidebar([entity, period, clock, report, value])
    return


@app.cell
def _(night, views):
    views.opening(night)
    return


@app.cell
def _(clock, entity, marts, period, views):
    views.activity(marts, entity.value, clock.value, period.value)
    return


@app.cell
def _(marts, period, report, value, views):
    views.triangle(marts, report.value, value.value, period.value)
    return


@app.cell
def _(marts, period, report, value, views):
    views.curves(marts, report.value, value.value, period.value)
    return


@app.cell
def _(entity, marts, period, views):
    views.activation(marts, entity.value, period.value)
    return


@app.cell
def _(clock, entity, marts, period, views):
    views.adoption(marts, entity.value, clock.value, period.value)
    return


@app.cell
def _(marts, views):
    views.questions(marts)
    return


if __name__ == "__main__":
    app.run()
