"""Size, load and look-up of the table of places: ``python -m tests.benchmarks.bench_places``.

The budget (understanding.md): a file under 6 MB, loaded in 150 ms and 60 MB, a look-up under 1 ms; a k-d tree of the
usual package needs 0.016 ms and 170 MB. Also how many of the tricky points come out as a person would say it, in all
and by group. Prints numbers of this machine; asserts nothing.
"""

from __future__ import annotations

import random
import resource
import statistics
import sys
import time
from collections.abc import Callable

from tests.tricky_places import GROUPS, Point

from photovault import geocoder


def peak_mb() -> float:
    """The process's largest resident set so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def show(what: str, times: list[float]) -> None:
    times.sort()
    print(f"{what:34} median {statistics.median(times):.3f} ms   p99 {times[int(len(times) * 0.99)]:.3f} ms")


def main() -> None:
    path = geocoder.table_path()
    print(f"file                               {path.stat().st_size / 1e6:.2f} MB")
    before = peak_mb()
    print(f"load                               {milliseconds(geocoder.load):.0f} ms")
    print(f"memory                             {peak_mb() - before:.0f} MB more at the peak")
    table = geocoder.load()
    dice = random.Random(7)
    anywhere = [(dice.uniform(-60, 75), dice.uniform(-180, 180)) for _ in range(3000)]
    geocoder.reverse(0, 0)
    show("nearest, anywhere", [milliseconds(lambda at=at: table.nearest(*at)) for at in anywhere])
    show("reverse with zone, anywhere", [milliseconds(lambda at=at: geocoder.reverse(*at)) for at in anywhere])
    settled = [(p.lat, p.lon) for at in anywhere if (p := table.nearest(*at)).lat is not None and p.lon is not None]
    show("reverse with zone, in towns", [milliseconds(lambda at=at: geocoder.reverse(*at)) for at in settled])
    all_points = [point for points in GROUPS.values() for point in points]
    print(f"{'right':34} {sum(map(right, all_points))} of {len(all_points)}")
    for group, points in GROUPS.items():
        wrong = [point.name for point in points if not right(point)]
        print(f"  {group:32} {len(points) - len(wrong)} of {len(points)}   {', '.join(wrong)}")


def right(point: Point) -> bool:
    place = geocoder.reverse(point.lat, point.lon)
    return place is not None and point.allows(place.city, place.country_code, sea=place.sea)


if __name__ == "__main__":
    main()
