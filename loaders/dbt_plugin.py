"""Makes the raw tables when dbt opens the warehouse: one can build before the first landing."""

from importlib import resources

from dbt.adapters.duckdb.plugins import BasePlugin


class Plugin(BasePlugin):
    """Named in `profiles.yml`."""

    def configure_connection(self, conn):
        """Create what the loader would have created, where it is missing."""
        conn.execute(resources.files("loaders").joinpath("schema.sql").read_text())
