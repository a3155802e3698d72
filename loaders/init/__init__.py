"""`daybook init`: a company's own dbt project, which uses Daybook as a package.

`project` checks what the folder holds, `files` and `seeds` make the files that belong there.
"""

from loaders.init.command import init

__all__ = ["init"]
