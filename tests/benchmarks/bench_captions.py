"""How well words find photos without CLIP: people's captions as queries, on COCO val2017 and its annotations.

    python -m tests.benchmarks.bench_captions [--every-miss]

Needs ``photos/coco-mini`` and ``models`` of the folder that ``PHOTOVAULT_SHARED`` names (``../shared`` beside the
project by default). Every photo goes through vision as an upload does, into a Postgres of its own; then each of its
captions is asked as a person would type it, through the parser and the ranking of ``GET /search``, among all photos.

Printed are recall@1 and @5, the mean reciprocal rank and the share of captions that nothing answers: for the half of
the photos whose captions were read while the tables and weights were made (with the captions of train2017, whose photos
are not there), and for the other half, whose captions nobody read. Then what is answered to words that no photo shows.
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from unittest import mock
from uuid import UUID

from infra.local.postgres import Postgres
from tests.pictures import SHARED
from tests.staged import Bucket

from photovault import (
    db,
    ids,
    images,
    keys,
    library_names,
    listing,
    migrate,
    models,
    queries,
    queues,
    search,
    staging,
    storage,
    uploads,
    users,
    word_search,
)
from photovault.pipeline import embedding, vision
from photovault.pipeline.messages import PhotoMessage
from photovault.settings import get_settings

COCO = SHARED / "photos" / "coco-mini"
TODAY = date(2025, 6, 1)

NO_WORDS = (
    "flurbl", "qwrt zxcv", "asdf jkl", "lorem ipsum dolor", "xyzzy plugh", "bork bork bork", "grmpf", "zzzz",
    "wibble wobble", "kjhgf", "blorptastic snarfle", "mxyzptlk", "asdfgh", "blubb", "hjkl qwertz", "fnord",
    "xxyyzz 123", "schnurpsel", "wuppdi", "trallafitti",
)  # fmt: skip
"""Letters."""
NOT_SHOWN = (
    "spaceship", "quarterly report", "xylophone", "volcano", "northern lights", "submarine", "lighthouse",
    "waterfall", "penguin", "camel", "passport", "x-ray", "violin", "ferris wheel", "hot air balloon", "tax return",
    "chess tournament", "space rocket launch", "scuba diving with turtles", "bacteria under a microscope",
    "camels in the desert", "penguins on ice", "a ballet dancer on a stage", "a violin concert in a church",
    "bees on lavender", "a sleeping koala", "fireworks over the harbour", "a spider in its web",
    "the pyramids of giza", "screenshot of an invoice", "handwritten letter from grandmother",
    "ultrasound of the baby", "dinosaur skeleton in a museum", "meeting minutes", "wifi password", "solar eclipse",
    "roller coaster", "unicorn", "moon landing", "tattoo", "eiffel tower", "graduation ceremony", "crocodile",
    "jellyfish", "battleship", "piano lesson", "wedding dress", "car insurance", "fish market", "rainbow",
    "sunset over the pyramids", "dragon boat festival", "kangaroo jumping", "snake charmer",
)  # fmt: skip
NOT_SHOWN_IN_GERMAN = (
    "Raumschiff", "Quartalsbericht", "Xylophon", "Vulkan", "Nordlichter", "U-Boot", "Leuchtturm", "Wasserfall",
    "Pinguin", "Kamel", "Reisepass", "Röntgenbild", "Geige", "Riesenrad", "Heißluftballon", "Steuererklärung",
    "Schachturnier", "Raketenstart", "Spinne im Netz", "Bienen auf Lavendel", "Feuerwerk", "Ultraschallbild",
    "Dinosaurierskelett im Museum", "Kontoauszug", "Gebrauchsanweisung", "Mondlandung", "Regenbogen", "Tätowierung",
    "Achterbahn", "Einhorn", "Klavierunterricht", "Schlange", "Qualle", "Impfpass", "Stromrechnung",
    "Arbeitsvertrag", "Pyramiden", "Brautkleid", "Känguru", "Nikolaus",
)  # fmt: skip
"""Things that people look for, in English and in German, and that are in none of these photos."""

GERMAN: dict[int, str] = {
    139: "Frau am Tisch im Esszimmer",
    11813: "Kamera auf Stativ mit Laptop",
    22192: "Hund auf dem Bett",
    34417: "Donuts in der Fabrik",
    73326: "offener Kühlschrank voller Essen",
    99053: "Schüssel Nudeln mit Brokkoli",
    106235: "Wohnzimmer mit Sofa und Couchtisch",
    117645: "Snowboarder auf der Piste",
    128598: "Orangen und Birnen auf einem Haufen",
    136334: "Skifahrer im Schnee",
    153797: "Baseballspieler wirft den Ball",
    160012: "Frau am Tisch mit zwei Pizzen",
    172648: "Mann beugt sich in einen Lastwagen",
    181303: "kleiner Junge mit Drachen auf der Wiese",
    192699: "Zwei Leute mit Helm und Motorrädern im Wald",
    214753: "Zwei Reiter am Strand",
    229358: "Mann vor dem Spiegel im Bad",
    231125: "Gebäck in der Bäckerei",
    244592: "drei Zebras im Zoo",
    261712: "zwei Giraffen",
    269196: "Schafe im Schnee am Zaun",
    310200: "Nachtisch auf dem Teller",
    328683: "bunte Parkuhr",
    349860: "Junge springt mit dem Skateboard",
    357501: "goldene Schere",
    359219: "zwei Pizzen auf dem Herd",
    370208: "rotes Fahrrad an einer Parkuhr",
    397133: "Bäcker in der Küche",
    406129: "Tennisspieler schlägt den Ball",
    423617: "Busse und Taxi auf nasser Straße",
    435206: "Menschen und Kühe am Ufer",
    460229: "Stoppschild vor blauem Lastwagen",
    482585: "zwei Züge am Bahnhof",
    516916: "Schreibtisch mit fünf Computern",
    519611: "Eisbär auf einem Felsen",
    536038: "Frau liest im Bett ein Buch",
    551780: "große Uhr an einem Gebäude",
    553664: "rotes Notebook auf dem Tisch",
    565607: "Hydrant im Blumenbeet",
    570448: "Mann in einem Boot am Strand",
}
"""What somebody would type in German to find a photo of the half that was chosen on, by its number."""


@dataclass(frozen=True)
class Answer:
    """Where a caption's photo came, counted from 1, and how many were found; None where it was not."""

    image: int
    caption: str
    rank: int | None
    found: int


def captions() -> dict[int, list[str]]:
    """The captions of the photos that are there, by the number of the photo."""
    notes = json.loads((COCO / "annotations" / "captions_val2017.json").read_text())
    told: dict[int, list[str]] = defaultdict(list)
    for entry in notes["annotations"]:
        if path_of(entry["image_id"]).exists():
            told[entry["image_id"]].append(" ".join(entry["caption"].split()))
    return dict(sorted(told.items()))


def path_of(image: int) -> Path:
    return COCO / "val2017" / f"{image:012}.jpg"


def somebody() -> UUID:
    with db.transaction(ids.new()) as conn:
        return users.create(
            conn, email="p@example.com", email_key="p", name="P", password_hash="none", quota_bytes=10**12
        ).id


def upload(person: UUID, bucket: Bucket, path: Path) -> UUID:
    """A photo, understood and embedded as the workers do it."""
    data = path.read_bytes()
    # A name without words, so that what is found is found by what the photo shows.
    announced = uploads.Announcement("photo.jpg", "image/jpeg", len(data), hashlib.sha256(data).digest())
    with db.transaction(person) as conn:
        (answer,) = uploads.announce(conn, person, [announced], now=datetime.now(UTC))
    bucket.contents[staging.key_of(person, answer.image_id)] = data
    message = PhotoMessage(person, answer.image_id)
    vision.handle(message)
    embedding.handle(message)
    return answer.image_id


def ask(person: UUID, q: str) -> list[UUID]:
    """What a search answers, best first."""
    with db.transaction(person) as conn:
        known = library_names.names_of(conn, person)
        parsed = queries.parse_with(q, known.vocabulary, today=TODAY)
        wanted = search.narrowed(listing.Filter(), parsed.filter, known)
        if wanted is None:
            return []
        sure = [] if parsed.text else [image.id for image in images.page(conn, wanted, limit=1000)]
        text = parsed.text
        if parsed.looser is not None:
            text, wanted = parsed.looser.text, search.behind(listing.Filter(), parsed, known)
        words = word_search.words_of(conn, text, known, language=parsed.language) if text else None
        ranked = search.ranked(conn, wanted, words, None, all_first=parsed.looser is not None) if words else []
        return sure + [found.id for found in ranked]


def summary(name: str, answers: list[Answer]) -> str:
    count = len(answers)
    first = sum(answer.rank == 1 for answer in answers) / count
    five = sum(answer.rank is not None and answer.rank <= 5 for answer in answers) / count
    mean = sum(1 / answer.rank for answer in answers if answer.rank) / count
    silent = sum(answer.found == 0 for answer in answers) / count
    found = statistics.median(answer.found for answer in answers)
    return f"{name:<22}{count:>8}{first:>11.3f}{five:>11.3f}{mean:>8.3f}{silent:>13.3f}{found:>10.0f}"


def answer(person: UUID, photos: dict[int, UUID], image: int, q: str) -> Answer:
    found = ask(person, q)
    rank = found.index(photos[image]) + 1 if photos[image] in found else None
    return Answer(image, q, rank, len(found))


def measure(person: UUID, photos: dict[int, UUID], *, every_miss: bool) -> None:
    halves: tuple[list[Answer], list[Answer]] = ([], [])
    for at, (image, told) in enumerate(captions().items()):
        halves[at % 2].extend(answer(person, photos, image, caption) for caption in told)
    german = [answer(person, photos, image, q) for image, q in GERMAN.items()]
    print(f"{len(photos)} photos; labels by {models.label_model()}\n")
    print(f"{'':<22}{'captions':>8}{'recall@1':>11}{'recall@5':>11}{'MRR':>8}{'no answer':>13}{'found':>10}")
    for name, answers in (
        ("chosen on", halves[0]),
        ("held out", halves[1]),
        ("all", [*halves[0], *halves[1]]),
        ("chosen on, in German", german),
    ):
        print(summary(name, answers))
    for name, asked in (("letters", NO_WORDS), ("not shown", NOT_SHOWN), ("not shown, in German", NOT_SHOWN_IN_GERMAN)):
        counts = {q: len(ask(person, q)) for q in asked}
        answered = {q: count for q, count in counts.items() if count}
        print(f"\n{name}: {len(answered)} of {len(asked)} find something {answered or ''}")
    if every_miss:  # of the half that may be looked at
        for one in [*halves[0], *german]:
            if one.rank != 1:
                print(f"{one.image:>7} {one.rank!s:>5} of {one.found:<3} {one.caption}")


def main() -> None:
    if not COCO.exists():
        sys.exit(f"{COCO} is not there; set PHOTOVAULT_SHARED.")
    bucket = Bucket()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = Postgres(Path(folder) / "data", Path(folder) / "log", scratch=True)
        server.start()
        try:
            url = server.create_database("bench")
            migrate.upgrade(url)
            os.environ |= {
                "DATABASE_URL": url,
                "MASTER_KEY": keys.generate_master_key(),
                "STORAGE_DRIVER": "local",
                "STORAGE_ROOT": str(Path(folder) / "blobs"),
                "MODELS_DIR": str(SHARED / "models"),
                "EMBEDDINGS_PROVIDER": "phash",
                "LOG_LEVEL": "WARNING",
            }
            get_settings.cache_clear()
            storage.driver.cache_clear()
            person = somebody()
            with (
                mock.patch.multiple(
                    staging, **{name: getattr(bucket, name) for name in ("objects", "find", "get", "delete", "mark")}
                ),
                mock.patch.object(queues, "_send", return_value=None),
            ):
                photos = {image: upload(person, bucket, path_of(image)) for image in captions()}
                measure(person, photos, every_miss="--every-miss" in sys.argv)
            db.close()
        finally:
            server.stop()


if __name__ == "__main__":
    main()
