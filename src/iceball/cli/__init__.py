"""The command line: ``iceball library | read | simulate | assess | report | demo``."""

from iceball.cli import assess, demo, library, read, report, simulate  # noqa: F401  (each registers its command)
from iceball.cli._app import app, main

__all__ = ["app", "main"]
