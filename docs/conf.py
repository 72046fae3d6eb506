"""How the documentation is built: Sphinx, MyST, furo. A warning is an error (make docs)."""

from __future__ import annotations

import re
import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

project = "iceball"
author = "The iceball authors"
copyright = "the iceball authors"
version = release = installed_version("iceball")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinxcontrib.bibtex", "source_style"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "reference/schemas/**"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

bibtex_bibfiles = ["../src/iceball/library/sources.bib"]
bibtex_default_style = "what_was_seen"

autodoc_member_order = "alphabetical"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 90
napoleon_google_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"iceball {version}"
html_theme_options = {
    "announcement": "Research use only. iceball is not a medical device and must not guide the care of a patient.",
}
html_show_sourcelink = False

_CODE_OR_MATH = re.compile(r"(``.+?``|:\w+:`.+?`)")
_FIELD = re.compile(r"(\S[^:]*?) : (.*)")


def plain_text(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Keep docstrings what they are, text for people: only ``code`` and :math: are marked up, signs stay signs."""
    for i, line in enumerate(lines):
        parts = _CODE_OR_MATH.split(line)
        parts[::2] = [re.sub(r"([|*_`])", r"\\\1", part) for part in parts[::2]]
        lines[i] = "".join(parts)


def one_line_fields(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Turn our ``name : what it is`` into napoleon's two lines, and end a section at its first empty line."""
    section, out = "", []
    for i, line in enumerate(lines):
        if set(line) == {"-"} and i:
            section = lines[i - 1]
        field = _FIELD.fullmatch(line) if section in ("Parameters", "Raises") else None
        if field:
            out += [field[1], f"    {field[2]}"]
        elif section and not line:
            section = ""
            out += ["", ""]
        else:
            out.append(line)
    lines[:] = out


def setup(app: Any) -> None:
    """Let both see every docstring before napoleon does."""
    app.connect("autodoc-process-docstring", one_line_fields, priority=300)
    app.connect("autodoc-process-docstring", plain_text, priority=400)
