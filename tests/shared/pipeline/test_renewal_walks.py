"""Walks through everybody's outdated photos, and what the operator sees of them.

They come by all people, so these tests have a database of their own.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import Result
from tests.arranging import Sent, build, table, value
from tests.local_cloud import database_of_its_own
from tests.renewed import NEW, OLD, Painter, painted, see, upload, use
from tests.staged import Bucket
from tests.vaults import somebody
from typer.testing import CliRunner

from photovault import db, renewals
from photovault.cli import app
from photovault.errors import StorageUnavailable, Unavailable
from photovault.pipeline import erasing, maintenance, messages, renewing, reunderstanding, vision
from photovault.pipeline.messages import Malformed, Renewal
from photovault.pipeline.reports import Report

pytestmark = pytest.mark.usefixtures("vault", "small_models", "sent", "old")

database_url = database_of_its_own()


@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch, vault: Path) -> None:
    """What runs at first; nothing of other tests is outdated, and nobody walks."""
    use(monkeypatch, Painter(OLD))
    see(monkeypatch, None)
    renewing.handle(Renewal("vision"), reunderstanding.WORK)
    with db.maintenance() as conn:
        conn.execute("UPDATE renewal_walks SET turn = '-infinity'")


@pytest.fixture
def people(bucket: Bucket) -> list[UUID]:
    """Three people with two photos each."""
    those = sorted(somebody().user_id for _ in range(3))
    for person in those:
        for n in range(2):
            upload(person, bucket, painted(1, look=n))
        build(person)
    return those


def orders(sent: Sent) -> list[tuple[dict[str, Any], int | None]]:
    return [(body, delay) for _, body, delay in sent.messages if body.get("renew") == "vision"]


def models_of(user_id: UUID) -> set[str]:
    return {row[0] for row in table(user_id, "SELECT DISTINCT m.name FROM faces f JOIN models m ON m.id = f.model_id")}


def walk(sent: Sent) -> int:
    """Deliver what is sent until nothing more comes; how many turns that takes."""
    turns = 0
    while waiting := orders(sent):
        sent.messages.clear()
        for body, _ in waiting:
            order = messages.renewal(json.dumps(body))
            assert order is not None
            renewing.handle(order, reunderstanding.WORK)
            turns += 1
        assert turns < 100
    return turns


def test_a_walk_comes_by_everybody_one_turn_after_the_other_and_ends(
    people: list[UUID], sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Painter(NEW))
    monkeypatch.setattr(renewing, "SLICE_SECONDS", 0.02)
    sent.messages.clear()
    maintenance.ask_for_renewals(Report(), now=datetime.now(UTC))
    assert walk(sent) > len(people)
    assert [models_of(person) for person in people] == [{NEW.name}] * len(people)
    assert not orders(sent)
    with db.maintenance() as conn:
        assert not renewals.is_under_way(conn, "vision")


def test_there_is_one_message_of_a_walk_however_often_it_is_asked_for(
    people: list[UUID], sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Painter(NEW))
    monkeypatch.setattr(renewing, "SLICE_SECONDS", -1.0)
    sent.messages.clear()
    for _ in range(4):
        renewing.handle(Renewal("vision"), reunderstanding.WORK)
    ((body, _),) = orders(sent)
    order = messages.renewal(json.dumps(body))
    assert order is not None
    sent.messages.clear()
    for _ in range(3):  # delivered again and again
        renewing.handle(order, reunderstanding.WORK)
    assert len(orders(sent)) == 1


def test_a_walk_that_died_is_begun_again(people: list[UUID], sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Painter(NEW))
    monkeypatch.setattr(renewing, "SLICE_SECONDS", -1.0)
    renewing.handle(Renewal("vision"), reunderstanding.WORK)
    sent.messages.clear()
    with db.maintenance() as conn:
        conn.execute("UPDATE renewal_walks SET turn = turn - interval '1 hour'")
    renewing.handle(Renewal("vision"), reunderstanding.WORK)
    assert len(orders(sent)) == 1


def test_while_storage_is_away_a_walk_waits_and_goes_on(
    people: list[UUID], sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Painter(NEW))
    sent.messages.clear()
    with monkeypatch.context() as patch:

        def away(*_: object) -> vision.Findings:
            raise StorageUnavailable

        patch.setattr(vision, "look", away)
        renewing.handle(Renewal("vision"), reunderstanding.WORK)
    ((_, delay),) = orders(sent)
    assert delay == renewing.AWAY_SECONDS < renewals.ALIVE.total_seconds()
    assert value(people[0], "SELECT count(*) FROM renewal_tries") == 0
    walk(sent)
    assert [models_of(person) for person in people] == [{NEW.name}] * len(people)


def test_an_account_that_is_being_erased_is_passed_over(
    people: list[UUID], sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Painter(NEW))
    with db.transaction(people[0]) as conn:
        conn.execute("UPDATE users SET erased_at = now()")
    sent.messages.clear()
    renewing.begin()
    walk(sent)
    assert [models_of(person) for person in people] == [{OLD.name}, {NEW.name}, {NEW.name}]
    erasing.finish(people[0])


def test_an_account_that_is_erased_while_its_photo_is_looked_at_gets_nothing(
    people: list[UUID], sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    from photovault import storage

    use(monkeypatch, Painter(NEW))
    look = vision.look
    there = {stored.key for stored in storage.driver("local").list()}

    def erased(data: bytes, image: Any) -> vision.Findings:
        if image.user_id == people[0]:
            with db.transaction(people[0]) as conn:
                conn.execute("UPDATE users SET erased_at = now()")
        return look(data, image)

    monkeypatch.setattr(vision, "look", erased)
    renewing.renew_some(people[0], reunderstanding.WORK)
    assert {stored.key for stored in storage.driver("local").list()} == there
    erasing.finish(people[0])


def test_queues_that_are_away_let_the_message_come_again(
    people: list[UUID], monkeypatch: pytest.MonkeyPatch, sent: Sent
) -> None:
    from photovault import queues

    use(monkeypatch, Painter(NEW))
    monkeypatch.setattr(renewing, "SLICE_SECONDS", -1.0)

    def away(*_: object) -> None:
        raise Unavailable

    with monkeypatch.context() as patch:
        patch.setattr(queues, "_send", away)
        with pytest.raises(Unavailable):
            renewing.handle(Renewal("vision"), reunderstanding.WORK)
    sent.messages.clear()
    renewing.handle(Renewal("vision"), reunderstanding.WORK)
    assert len(orders(sent)) == 1


def test_a_turn_that_ends_in_an_error_is_taken_again_by_its_message(
    people: list[UUID], monkeypatch: pytest.MonkeyPatch, sent: Sent
) -> None:
    use(monkeypatch, Painter(NEW))

    def broken(*_: object, **__: object) -> None:
        raise ValueError

    with monkeypatch.context() as patch:
        patch.setattr(renewals, "next_person", broken)
        with pytest.raises(ValueError):
            renewing.handle(Renewal("vision"), reunderstanding.WORK)
    sent.messages.clear()
    renewing.handle(Renewal("vision"), reunderstanding.WORK)
    walk(sent)
    assert [models_of(person) for person in people] == [{NEW.name}] * len(people)


@pytest.mark.parametrize(
    "body",
    ['{"renew": "albums"}', '{"renew": "vision", "turn": "soon"}', '{"renew": "vision", "after": 7}', "no JSON"],
)
def test_what_is_no_message_about_a_renewal_is_malformed(body: str) -> None:
    with pytest.raises(Malformed):
        messages.renewal(body)


def test_messages_about_photos_are_none_about_renewals() -> None:
    assert messages.renewal(json.dumps({"user_id": str(UUID(int=1)), "image_id": str(UUID(int=2))})) is None
    turn = datetime.now(UTC) - timedelta(seconds=1)
    body = {"renew": "embedding", "slot": 3, "turn": turn.isoformat(), "after": str(UUID(int=5))}
    assert messages.renewal(json.dumps(body)) == Renewal("embedding", 3, turn, UUID(int=5))


# -------------------------------------------------------------------------------------------- the operator's commands


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["models", *arguments], terminal_width=200)


def test_the_operator_sees_what_waits_and_asks_for_it(
    people: list[UUID], sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Painter(NEW))
    told = run("status")
    assert told.exit_code == 0, told.output
    assert "tests-old 1, no labels" in told.output
    assert "At hand: tests-new 1, no labels." in told.output
    sent.messages.clear()
    dry = run("renew", "--dry-run")
    with db.maintenance() as conn:  # other tests left some
        waiting = sum(tally.photos for tally in renewals.tallies(conn, "vision"))
    assert waiting >= 2 * len(people)
    assert f"vision: {waiting} photos are to be looked at anew with tests-new 1" in dry.output
    assert not sent.messages
    asked = run("renew", "--no-wait", "--walkers", "2")
    assert asked.exit_code == 0, asked.output
    assert [(body["renew"], body["slot"]) for _, body, _ in sent.messages] == [
        (step, slot) for step in ("vision", "embedding") for slot in (0, 1)
    ]


def test_the_operator_can_watch(people: list[UUID], sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    from photovault.cli import renewal

    use(monkeypatch, Painter(NEW))
    sent.messages.clear()
    monkeypatch.setattr(renewal.time, "sleep", lambda _: walk(sent))
    done = run("renew")
    assert done.exit_code == 0, done.output
    assert [models_of(person) for person in people] == [{NEW.name}] * len(people)
