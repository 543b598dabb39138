"""``photovault models calibrate``: measure the cut-offs of search on one's own photos, with the model at hand."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from photovault import calibrating
from photovault.calibrating import LookAlikes, Spread, Texts
from photovault.cli.telling import counted, shown
from photovault.errors import Misconfigured, Rejected

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from photovault.embeddings import Provider

    Floats = np.ndarray[Any, np.dtype[Any]]

console = Console()
T = TypeVar("T")

# Fewer say little: one in a hundred is then the only one.
FEW = 100
NONSENSE = 200


@dataclass(frozen=True)
class _Seen:
    """What was embedded: names and vectors of the photos, and by kind those of their copies."""

    names: list[str]
    vectors: Floats
    copies: dict[str, Floats]


def calibrate(
    photos: Annotated[
        Path, typer.Option(help="A folder with photos, the more the better.", exists=True, file_okay=False)
    ],
    captions: Annotated[
        Path | None, typer.Option(help="What they show, in the form of COCO's captions.", exists=True, dir_okay=False)
    ] = None,
    false_answers: Annotated[
        float, typer.Option(help="The share of meaningless queries that may find something.", min=0.0, max=0.5)
    ] = 0.02,
    most: Annotated[int, typer.Option(help="At most so many photos.", min=2)] = 1000,
) -> None:
    """Measure from which similarity on search should show a photo, for the model of pictures at hand.

    Prints how texts and photos that belong together lie against those that do not, and against texts without meaning,
    the cut-offs that follow, and what they keep. The cut-offs in use stand in photovault/model_manifest.py.
    """
    from photovault import embeddings

    provider = embeddings.provider()
    seen = _embed(provider, _files(photos), most=most)
    console.print(shown(f"{provider.model.name} {provider.model.version}, {counted(len(seen.names), 'photo')}"))
    in_use = provider.model.cut_offs
    alike = calibrating.look_alikes(seen.vectors, seen.copies, false_answers=false_answers)
    _tell_look_alikes(alike, in_use=in_use.look_alike_floor)
    suggested = f"look_alike_floor={alike.floor:.3f}"
    if not provider.understands_text:
        console.print("This model understands no text: there is nothing to measure for search in words.")
    elif captions is None:
        console.print("Without --captions there is nothing to measure for search in words.")
    else:
        found = _texts(provider, seen, captions, false_answers=false_answers)
        _tell_texts(found, in_use=(in_use.text_floor, in_use.text_margin), false_answers=false_answers)
        suggested = f"text_floor={found.floor:.3f}, text_margin={found.margin:.3f}, {suggested}"
    console.print(f"\nCutOffs({suggested})")


def _watched(items: Sequence[T], what: str) -> Iterable[T]:
    return track(items, what, console=console, transient=True, disable=not console.is_terminal)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def _embed(provider: Provider, files: Iterable[Path], *, most: int) -> _Seen:
    """Photos as the embedding function sees them, and copies of them. Raises ``Misconfigured`` for too few."""
    import numpy as np

    from photovault import embeddings

    names: list[str] = []
    vectors: list[Floats] = []
    copies: dict[str, list[Floats]] = {kind: [] for kind, _ in COPIES}
    left_out = 0
    for path in _watched(list(files), "photos"):
        if len(names) == most:
            break
        try:
            image = embeddings.decode(path.read_bytes()).convert("RGB")
        except (Rejected, OSError):
            left_out += 1
            continue
        names.append(path.name)
        vectors.append(provider.embed_image(image))
        for kind, alter in COPIES:
            copies[kind].append(provider.embed_image(alter(image)))
    if left_out:
        console.print(counted(left_out, "file is no photo and was left out.", "files are no photos and were left out."))
    if len(names) < 2:
        raise Misconfigured("There are not two photos in that folder to compare.")
    if len(names) < FEW:
        console.print(f"[yellow]Of {counted(len(names), 'photo')} the numbers are rough; take some hundreds.")
    return _Seen(names, np.stack(vectors), {kind: np.stack(found) for kind, found in copies.items()})


def _texts(provider: Provider, seen: _Seen, captions: Path, *, false_answers: float) -> Texts:
    pairs = list(_pairs(captions, seen.names))
    if not pairs:
        raise Misconfigured(f"{captions.name} has no caption of any of these photos; COCO's names them by file_name.")
    told = [caption for caption, _ in pairs]
    return calibrating.texts(
        _cosines(provider, told, seen, "captions"),
        [number for _, number in pairs],
        nonsense=_cosines(provider, list(nonsense(NONSENSE)), seen, "nonsense"),
        neutral=_cosines(provider, calibrating.NEUTRAL, seen, "neutral texts"),
        false_answers=false_answers,
    )


def _cosines(provider: Provider, texts: Iterable[str], seen: _Seen, what: str) -> Floats:
    import numpy as np

    embedded = [provider.embed_text(text) for text in _watched(list(texts), what)]
    return np.stack([one for one in embedded if one is not None]) @ seen.vectors.T


def _pairs(captions: Path, names: list[str]) -> Iterator[tuple[str, int]]:
    """Captions and the number of the photo that each is of. Raises ``Misconfigured`` for a file of another form."""
    number_of = {name: number for number, name in enumerate(names)}
    try:
        content = json.loads(captions.read_text(encoding="utf-8"))
        files = {image["id"]: Path(image["file_name"]).name for image in content["images"]}
        told = [(str(one["caption"]), files.get(one["image_id"])) for one in content["annotations"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Misconfigured(f"{captions.name} is not in the form of COCO's captions (images, annotations).") from error
    for caption, name in told:
        if name in number_of and caption.strip():
            yield caption, number_of[name]


def nonsense(count: int) -> Iterator[str]:
    """Texts without meaning, the same at every call: keys hit at random, and words that sound like words."""
    dice = random.Random(6)  # noqa: S311 - to be the same every time
    syllables = [f"{first}{vowel}" for first in ("bl", "gr", "kr", "fl", "v", "z", "sn", "pl") for vowel in "aiou"]
    for number in range(count):
        if number % 2:
            yield " ".join("".join(dice.choices(syllables, k=dice.randint(2, 3))) for _ in range(dice.randint(1, 3)))
        else:
            yield " ".join(
                "".join(dice.choices("bcdfghjklmnpqrstvwxz", k=dice.randint(4, 12))) for _ in range(dice.randint(1, 2))
            )


def _saved(quality: int) -> Callable[[Image], Image]:
    def save(image: Image) -> Image:
        import io

        from PIL import Image as Pillow

        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality)
        return Pillow.open(out).convert("RGB")

    return save


def _cropped(share: float) -> Callable[[Image], Image]:
    def crop(image: Image) -> Image:
        wide, high = image.size
        return image.crop((0, 0, max(1, round(wide * (1 - share))), max(1, round(high * (1 - share)))))

    return crop


def _half(image: Image) -> Image:
    return image.resize((max(1, image.width // 2), max(1, image.height // 2)))


def _brighter(image: Image) -> Image:
    return image.point(lambda value: min(255, value * 1.3))


COPIES: tuple[tuple[str, Callable[[Image], Image]], ...] = (
    ("half the size", _half),
    ("JPEG of quality 30", _saved(30)),
    ("brighter by 30 %", _brighter),
    ("in grey", lambda image: image.convert("L").convert("RGB")),
    ("5 % cut off two sides", _cropped(0.05)),
    ("10 % cut off two sides", _cropped(0.10)),
)


def _row(table: Table, name: str, spread: Spread) -> None:
    table.add_row(name, f"{spread.count:,}", *(f"{mark:.3f}" for mark in spread.marks))


def _tell_look_alikes(alike: LookAlikes, *, in_use: float) -> None:
    table = Table("cosine", "", "lowest", "5 %", "middle", "95 %", "highest", title="Look-alikes", title_justify="left")
    _row(table, "a photo and the nearest other one", alike.nearest)
    console.print(table)
    console.print(f"Floor: {alike.floor:.3f} (in use: {in_use:.3f}). Copies that it finds:")
    for kind, share in alike.kept.items():
        console.print(f"  {share:4.0%}  {kind}")


def _tell_texts(found: Texts, *, in_use: tuple[float, float], false_answers: float) -> None:
    table = Table("cosine", "", "lowest", "5 %", "middle", "95 %", "highest", title="Texts", title_justify="left")
    _row(table, "a caption and its photo", found.own)
    _row(table, "a caption and another photo", found.others)
    _row(table, "nonsense and the nearest photo", found.best_of_nonsense)
    console.print(table)
    console.print(
        f"Floor: {found.floor:.3f} (in use: {in_use[0]:.3f}), by which {false_answers:.1%} of nonsense finds something "
        f"at most. Margin: {found.margin:.3f} (in use: {in_use[1]:.3f})."
    )
    console.print(f"{found.kept:.0%} of the captions find their photo, among {found.answers:.1f} photos on average.")
    console.print("By other ways to score, at the same share of nonsense:")
    for way in found.ways:
        console.print(f"  {way.kept:4.0%}  {way.name}, from {way.floor:.3f} on")
