"""``python -m infra.docker.healthy URL``: status 0 when the URL answers with success (the image has no curl)."""

import sys
import urllib.error
import urllib.request


def main(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=4):  # noqa: S310  (the URL stands in compose.yaml)
            return 0
    except (urllib.error.URLError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
