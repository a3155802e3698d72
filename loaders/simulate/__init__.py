"""`daybook simulate`: the logs of an imaginary product, and the truth about them.

A company with customers, invented: who they are (`companies`, `people`), what they do once
(`milestones`) and from day to day (`behaviour`), how their calls travel (`delivery`), the calls
(`calls`), the files (`writing`), and what a right answer is (`truth`). `story` puts it together.
"""

from loaders.simulate.command import simulate

__all__ = ["simulate"]
