"""Looking anew at photos, in the background, when better models are at hand than those that they were looked at with.

A walk is one message that follows itself: it works for some seconds, one photo after the other, and sends itself again,
so that there is never more than one of a slot in the queue, whatever waits, and uploads hardly notice. It goes from
person to person, so that nobody waits behind a large library. Where it is, is in the rows: a photo that is done is not
found again. So it may die anywhere. A photo is claimed before it is looked at, so that one that kills its worker is
left alone for a while, and for good after some tries.

The vision and the embedding function know which models they run, so they look for what is outdated themselves;
maintenance asks them once a day, and vision does when the first photo of a library was looked at by another model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from photovault import db, failpoints, queues, rebuilds, recipes, renewals, users
from photovault.errors import NotFound, PersonGone, Rejected, Unavailable
from photovault.observability import count, logger
from photovault.pipeline.messages import Renewal
from photovault.recipes import Part, Recipe
from photovault.renewals import Ingredients

if TYPE_CHECKING:
    from photovault.db import Connection

# What is uploaded waits behind a walk for so long at most, and for one photo more.
SLICE_SECONDS = 8.0
PAGE = 20
# While storage is away a walk looks again so often; within ``renewals.ALIVE``, so that it still counts as under way.
AWAY_SECONDS = 150
# A walk that finds nothing to do with so many people in a row is over: others are at their photos.
MOST_IDLE = 3


@dataclass(frozen=True)
class Task:
    """A photo to look at anew: ``seen`` is the recipe of before, ``parts`` what of it is outdated.

    ``last`` says that no other photo of the person waits, as far as is known.
    """

    user_id: UUID
    image_id: UUID
    seen: int
    before: Recipe | None
    now: Recipe
    parts: frozenset[Part]
    yields: bool
    last: bool


class Settle(Protocol):
    def __call__(self, conn: Connection, now: Recipe, *, yields: bool) -> None: ...


@dataclass(frozen=True)
class Work:
    """What a step brings: what it works with, how it looks at a photo anew, where False means that another did, and
    what else it does in the transaction in which a photo is given up."""

    ingredients: Callable[[], Ingredients]
    renew: Callable[[Task], bool]
    settle: Settle | None = None


def handle(order: Renewal, work: Work) -> None:
    """One turn of a walk. Safe to repeat: of two messages about one walk, one goes on.

    Raises ``Unavailable`` when the database or the queues are away.
    """
    made_of = work.ingredients()
    with db.before_login() as conn:
        now = renewals.recipe_of(conn, made_of)
        outdated = renewals.outdated_ids(conn, now, yields=made_of.yields)
    with db.maintenance() as conn:
        turn = renewals.take_turn(conn, now.step, order.slot, last=order.turn)
    if turn is None:
        logger().info("renewal.under_way", extra={"step": now.step})
        return
    try:
        _walk(order, work, now, outdated, turn=turn)
    except Exception:
        with suppress(Unavailable), db.maintenance() as conn:
            renewals.give_turn_back(conn, now.step, order.slot, turn=turn, last=order.turn)
        raise


def _walk(order: Renewal, work: Work, now: Recipe, outdated: list[int], *, turn: datetime) -> None:
    """What there is to do within a turn; then the next one is asked for, or the walk is over."""
    after = order.after or UUID(int=0)
    until, idle, delay = time.monotonic() + SLICE_SECONDS, 0, None
    while time.monotonic() < until:
        with db.maintenance() as conn:
            person = renewals.next_person(conn, now, outdated, after=after)
        if person is None or idle >= MOST_IDLE:
            with db.maintenance() as conn:
                renewals.end_walk(conn, now.step, order.slot, turn=turn)
            logger().info("renewal.done", extra={"step": now.step})
            return
        try:
            idle = 0 if renew_some(person, work, until=until) else idle + 1
        except Unavailable as error:  # storage: a database that is away raises again below
            logger().warning("renewal.waits", extra={"step": now.step, "why": error.detail})
            delay = AWAY_SECONDS
            break
        after = person
    failpoints.reach("renewing.turned")
    queues.send_renewal(now.step, slot=order.slot, turn=turn, after=after, delay=delay)


def renew_some(user_id: UUID, work: Work, *, until: float | None = None) -> bool:
    """Look at outdated photos of a person, all there are or ``until`` a ``time.monotonic``; whether there were any.

    Raises ``Unavailable``; what was begun is then tried again.
    """
    made_of = work.ingredients()
    any_done = False
    while until is None or time.monotonic() < until:
        with db.transaction(user_id) as conn:
            now = renewals.recipe_of(conn, made_of)
            known = renewals.all_recipes(conn, now.step)
            outdated = renewals.outdated_ids(conn, now, yields=made_of.yields)
            page = renewals.waiting(conn, now, outdated, limit=PAGE) if users.get(conn) else []
        if not page:
            break
        any_done = True
        for place, image_id in enumerate(page, start=1):
            if until is not None and time.monotonic() >= until:
                break
            last = place == len(page) < PAGE
            _renew(user_id, image_id, work, now, known=known, yields=made_of.yields, last=last)
    return any_done


def _renew(
    user_id: UUID,
    image_id: UUID,
    work: Work,
    now: Recipe,
    *,
    known: dict[int, Recipe],
    yields: bool,
    last: bool,
) -> None:
    with db.transaction(user_id) as conn:
        tries = renewals.claim(conn, now, image_id)
        # Only now: somebody else may have been at it since the page was read, and let go of it with what was found.
        seen = renewals.seen_with(conn, now.step, image_id)
        before = known.get(seen) if seen is not None else None
        parts = recipes.outdated(before, now, yields=yields)
        if tries is not None and (seen is None or not parts):
            renewals.forget_tries(conn, now.step, image_id)
    if seen is None or tries is None or not parts:
        return  # gone, or somebody else is at it, or was
    task = Task(user_id, image_id, seen, before, now, parts, yields, last)
    failpoints.reach("renewing.claimed")
    if tries > renewals.MOST_TRIES:  # each time whoever tried was killed
        _give_up(task, work, why="It killed whoever looked at it.")
        return
    try:
        renewed = work.renew(task)
    except Unavailable:
        with db.transaction(user_id) as conn:
            renewals.put_back(conn, now.step, image_id)
        raise
    except (NotFound, PersonGone):
        return  # the photo is gone, or the account
    except Rejected as rejection:
        _give_up(task, work, why=rejection.reason)
        return
    except Exception as error:
        logger().exception("image.not_renewed", extra={"image_id": str(image_id), "tries": tries})
        if tries >= renewals.MOST_TRIES:
            _give_up(task, work, why=type(error).__name__)
        elif last:
            _want(user_id)
        return
    if renewed:
        count("PhotosRenewed")
        logger().info(
            "image.renewed", extra={"image_id": str(image_id), "step": now.step, "parts": ", ".join(sorted(parts))}
        )


def _give_up(task: Task, work: Work, *, why: str) -> None:
    """The photo stays as it is, and is not tried again until there is another recipe."""
    user_id, image_id, now = task.user_id, task.image_id, task.now
    try:
        with db.transaction(user_id) as conn:
            revision = users.next_revision(conn)
            renewals.mark(conn, now.step, image_id, seen=task.seen, now=now.id, revision=revision)
            renewals.give_up(conn, now.step, image_id)
            if work.settle is not None:
                work.settle(conn, now, yields=task.yields)
            rebuilds.want(conn)
    except PersonGone:
        return
    logger().error("image.renewal_failed", extra={"image_id": str(image_id), "step": now.step, "why": why})
    count("PhotosNotRenewed")
    queues.send_albums(user_id)


def _want(user_id: UUID) -> None:
    with db.transaction(user_id) as conn:
        rebuilds.want(conn)
    queues.send_albums(user_id)


def begin(steps: Sequence[recipes.Step] = recipes.STEPS, *, walkers: int = 1) -> None:
    """Ask the functions to look for outdated photos; those that are at it stay at it. Raises ``Unavailable``."""
    for step in steps:
        for slot in range(walkers):
            queues.send_renewal(step, slot=slot)
