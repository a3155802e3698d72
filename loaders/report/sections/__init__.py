"""The parts of the page. Each function reads the marts and returns a Section, or None."""
