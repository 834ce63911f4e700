"""Files of optional packages, found without importing them."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def package_file(package: str, pattern: str) -> Path | None:
    """The first file of an installed package that matches a pattern; None if there is none."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(next(iter(found.submodule_search_locations)))
    return next(iter(sorted(folder.glob(pattern))), None)
