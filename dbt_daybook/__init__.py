"""How dbt finds `loaders.before_parsing`: it imports every module named `dbt_*`, and its `plugins`.

dbt does so in every project of the environment, so this module must never fail.
"""

try:
    from loaders.before_parsing import Plugin
except ImportError:  # another version of the loader comes first on Python's path
    plugins = []
else:
    plugins = [Plugin]
