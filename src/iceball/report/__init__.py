"""Tell: one report of a run, as a self-contained HTML file and a PDF."""

from iceball.report.write import ReportFiles, write_report

__all__ = ["ReportFiles", "write_report"]
