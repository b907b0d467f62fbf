"""Print the installed packages that `import neuromem` loads, one a line."""

import sys
from pathlib import PurePath

before = set(sys.modules)
import neuromem  # noqa: E402, F401

loaded = set()
for name in set(sys.modules) - before:
    parts = PurePath(getattr(sys.modules[name], "__file__", None) or "").parts
    for folder in ("site-packages", "dist-packages"):
        if folder in parts:
            loaded.add(parts[parts.index(folder) + 1].split(".")[0])
print(*sorted(loaded), sep="\n")
