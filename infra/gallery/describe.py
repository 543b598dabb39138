"""``python -m infra.gallery.describe FILE`` writes the API's description, from which the gallery's types are made.

FILE is only touched when the description has changed.
"""

import json
import sys
from pathlib import Path

from photovault.api import describe


def write(path: Path) -> None:
    described = json.dumps(describe(), indent=1, sort_keys=True) + "\n"
    if not path.exists() or path.read_text(encoding="utf-8") != described:
        path.write_text(described, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
