"""`daybook simulate`: the logs of an imaginary product, and the truth about them.

An invented company with customers: their data (`companies`, `people`), what they do once
(`milestones`) and from day to day (`behaviour`), how their calls travel (`delivery`), the calls
(`calls`), the files (`writing`), and the right answers (`truth`). `story` puts it together.
"""

from loaders.simulate.command import simulate

__all__ = ["simulate"]
