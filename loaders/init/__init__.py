"""`daybook init`: a company's own dbt project, which uses Daybook as a package.

`project` knows what stands in the folder, `files` what belongs there, `seeds` the CSV files.
"""

from loaders.init.command import init

__all__ = ["init"]
