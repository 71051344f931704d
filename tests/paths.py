"""Where recorded data lies: beside the checkout, never in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED_DATA = Path(os.environ.get("PERPTAPE_SHARED_DATA") or Path(__file__).parents[2] / "shared" / "data")

#: For tests that read recorded data: skipped, with the reason, where the folder is absent; in CI it must be there.
needs_shared_data = pytest.mark.skipif(
    not SHARED_DATA.is_dir() and not os.environ.get("CI"),
    reason=f"recorded data not found at {SHARED_DATA}; set PERPTAPE_SHARED_DATA",
)
