"""The templates. Values are escaped, except HTML that a template made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_TEMPLATES = Environment(
    loader=PackageLoader("loaders.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Section:
    """One part of the page."""

    id: str  # also its anchor
    title: str
    lead: str  # a sentence or two: what is shown, and how to read it
    parts: list[Markup] = field(default_factory=list)


def render(template: str, **values: Any) -> Markup:
    """Fill in one template."""
    return Markup(_TEMPLATES.get_template(template).render(**values))
