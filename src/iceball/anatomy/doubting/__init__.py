"""DOUBT: what on a scan would be read wrongly, said as findings."""

from iceball.anatomy.doubting._doubts import doubts
from iceball.anatomy.doubting._scale import require_hu

__all__ = ["doubts", "require_hu"]
