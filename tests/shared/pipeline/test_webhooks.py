"""From changes to deliveries, and from deliveries to posts: nothing lost, whoever dies when."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from tests.arranging import LISBON, Sent, add_photo, add_photos, build, table, value
from tests.vaults import Somebody, somebody

from photovault import albums, changes, db, deliveries, failpoints, images, rotation, users, webhook_events, webhooks
from photovault.errors import Unavailable
from photovault.pipeline import maintenance, messages, waking
from photovault.pipeline import webhooks as telling
from photovault.pipeline.messages import Attempt
from photovault.pipeline.reports import Report
from photovault.posting import Outcome
from photovault.public_addresses import Target

pytestmark = pytest.mark.usefixtures("vault", "sent")

URL = "https://hooks.example/photovault"
OK, DOWN, GONE = Outcome(status=200), Outcome(status=503), Outcome(status=410)


class Died(BaseException):
    """A worker's sudden end."""


@pytest.fixture
def ada() -> Somebody:
    return somebody()


def hook(who: Somebody, *events: str, url: str = URL) -> UUID:
    with db.transaction(who.user_id) as conn:
        users.lock(conn)
        made, _ = webhooks.add(
            conn, who.user_id, url=url, events=events, description=None, position=changes.newest(conn)
        )
    return made


def finish(who: Somebody, count: int = 1) -> list[UUID]:
    """Photos that become ready in one transaction each, as the pipeline leaves them."""
    found = add_photos(who.user_id, count, status="processing")
    for image_id in found:
        with db.transaction(who.user_id) as conn:
            revision = users.next_revision(conn)
            conn.execute("UPDATE images SET revision = %s WHERE id = %s", [revision, image_id])
            assert images.finish(conn, image_id)
    return found


def told(who: Somebody) -> list[dict[str, Any]]:
    """The bodies of all deliveries, in their order."""
    return [json.loads(body) for (body,) in table(who.user_id, "SELECT body FROM webhook_deliveries ORDER BY id")]


def ids_in(bodies: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for body in bodies for item in body["data"]["items"]]


def asked(sent: Sent) -> list[Attempt]:
    """The attempts that messages ask for."""
    found = [body for setting, body, _ in sent.messages if setting == "webhooks_queue_url" and "delivery_id" in body]
    read = [messages.webhook(json.dumps(body)) for body in found]
    return [one for one in read if isinstance(one, Attempt)]


def state(who: Somebody, delivery_id: UUID) -> tuple[Any, ...]:
    (row,) = table(
        who.user_id,
        "SELECT state, attempts, last_status, last_trouble FROM webhook_deliveries WHERE id = %s",
        [delivery_id],
    )
    return row


def attempt(message: Attempt, answer: Callable[[], Outcome]) -> list[tuple[Target, str, Mapping[str, str]]]:
    """Make an attempt whose post gets this answer; what was posted. A time that is to come has come."""
    posted = []

    def post(target: Target, body: str, headers: Mapping[str, str], **_: Any) -> Outcome:
        posted.append((target, body, headers))
        return answer()

    telling.attempt(Attempt(message.user_id, message.delivery_id, message.attempts), post=post)
    return posted


def answering(outcome: Outcome) -> Callable[[], Outcome]:
    return lambda: outcome


# ----------------------------------------------------------------------------------------------------------- telling


def test_a_photo_that_became_ready_is_told_of_once(ada: Somebody, sent: Sent) -> None:
    hook(ada, "image.ready")
    (photo,) = finish(ada)
    assert telling.tell(ada.user_id) == 1
    (body,) = told(ada)
    assert body["type"] == "image.ready"
    assert ids_in([body]) == [str(photo)]
    with db.transaction(ada.user_id) as conn:
        images.edit(conn, photo, revision=users.next_revision(conn), favourite=True)
    assert telling.tell(ada.user_id) == 0, "a favourite is not ready once more"


def test_a_thousand_photos_at_once_are_ten_posts(ada: Somebody) -> None:
    hook(ada, "image.ready")
    photos = add_photos(ada.user_id, 3)
    with db.transaction(ada.user_id) as conn:
        revision = users.next_revision(conn)
        conn.execute(
            "INSERT INTO images (id, sha256, filename, content_type, bytes, status, key_version, content_key, "
            "sealed_at, sort_at, revision, finished_revision) "
            "SELECT gen_random_uuid(), sha256(n::text::bytea), 'a', 'b', 1, 'ready', key_version, 'k', now(), now(), "
            "%s, %s FROM images, generate_series(1, 1000) AS n WHERE id = %s",
            [revision, revision, photos[0]],
        )
    assert telling.tell(ada.user_id) == 10
    assert len(set(ids_in(told(ada)))) == 1000


def test_a_body_says_nothing_about_a_photo_but_its_id(ada: Somebody) -> None:
    hook(ada, "image.ready", "album.changed", "person.changed")
    photo = add_photo(ada.user_id, status="processing", caption="A secret", filename="secret.jpg", where=LISBON)
    with db.transaction(ada.user_id) as conn:
        revision = users.next_revision(conn)
        albums.add(conn, title="A secret", description="A secret", image_ids=[photo], revision=revision)
        conn.execute("UPDATE images SET revision = %s WHERE id = %s", [revision, photo])
        images.finish(conn, photo)
    build(ada.user_id)
    telling.tell(ada.user_id)
    bodies = told(ada)
    assert {body["type"] for body in bodies} == {"image.ready", "album.changed"}
    for body in bodies:
        assert set(body) == {"type", "timestamp", "data"}
        assert set(body["data"]) == {"items"}
        assert all(set(item) == {"kind", "id", "revision", "gone"} for item in body["data"]["items"])


def test_albums_that_a_rebuild_changed_are_told_of_in_one_post(ada: Somebody) -> None:
    hook(ada, "album.changed")
    add_photos(ada.user_id, 4, where=LISBON)
    build(ada.user_id)
    assert telling.tell(ada.user_id) == 1
    shown = [str(row[0]) for row in table(ada.user_id, "SELECT id FROM albums")]
    assert len(shown) > 1
    assert sorted(ids_in(told(ada))) == sorted(shown)


def test_an_album_that_is_deleted_is_told_of_as_gone(ada: Somebody) -> None:
    with db.transaction(ada.user_id) as conn:
        album = albums.add(conn, title="A", description=None, image_ids=[], revision=users.next_revision(conn))
    hook(ada, "album.changed")
    with db.transaction(ada.user_id) as conn:
        found = albums.get(conn, album)
        assert found is not None
        albums.delete(conn, found, revision=users.next_revision(conn))
    telling.tell(ada.user_id)
    ((item,),) = [body["data"]["items"] for body in told(ada)]
    assert (item["kind"], item["id"], item["gone"]) == ("album", str(album), True)


def test_what_was_before_the_webhook_is_not_told_of(ada: Somebody) -> None:
    finish(ada)
    hook(ada, "image.ready")
    assert telling.tell(ada.user_id) == 0


def test_each_webhook_is_told_of_what_it_asked_for(ada: Somebody) -> None:
    first, second = hook(ada, "image.ready"), hook(ada, "image.rejected")
    ready = finish(ada)
    refused = add_photo(ada.user_id, status="processing")
    with db.transaction(ada.user_id) as conn:
        images.reject(conn, refused, "damaged", revision=users.next_revision(conn))
    assert telling.tell(ada.user_id) == 2
    by_hook = dict(table(ada.user_id, "SELECT webhook_id, body FROM webhook_deliveries"))
    assert ids_in([json.loads(by_hook[first])]) == [str(ready[0])]
    assert ids_in([json.loads(by_hook[second])]) == [str(refused)]


def test_changes_wake_once_and_wait_for_what_comes_right_after(ada: Somebody, sent: Sent) -> None:
    hook(ada, "image.ready")
    finish(ada, 3)
    sent.messages.clear()
    for _ in range(5):
        waking.wake(ada.user_id)
    assert sent.messages == [("webhooks_queue_url", {"user_id": str(ada.user_id)}, 10)]
    telling.tell(ada.user_id)
    finish(ada)
    waking.wake(ada.user_id)
    assert [body for _, body, _ in sent.messages].count({"user_id": str(ada.user_id)}) == 2, "heard, so asked again"


def test_a_wake_that_was_lost_is_sent_again(ada: Somebody, sent: Sent) -> None:
    hook(ada, "image.ready")
    finish(ada)
    waking.wake(ada.user_id)
    sent.messages.clear()
    with db.transaction(ada.user_id) as conn:
        conn.execute("UPDATE webhooks SET woken_at = now() - interval '6 minutes'")
    waking.wake(ada.user_id)
    assert len(sent.messages) == 1


def test_nobody_is_woken_without_webhooks_or_without_changes(ada: Somebody, sent: Sent) -> None:
    finish(ada)
    waking.wake(ada.user_id)
    hook(ada, "image.ready")
    waking.wake(ada.user_id)
    assert [one for one in sent.messages if one[0] == "webhooks_queue_url"] == []


def test_whoever_changes_without_a_rebuild_sees_that_webhooks_wait(ada: Somebody) -> None:
    def behind() -> bool:
        with db.transaction(ada.user_id) as conn:
            return webhooks.are_behind(conn)

    hook(ada, "image.rejected")
    assert not behind()
    refused = add_photo(ada.user_id, status="processing")
    with db.transaction(ada.user_id) as conn:
        images.reject(conn, refused, "damaged", revision=users.next_revision(conn))
    assert behind()
    assert telling.tell(ada.user_id) == 1
    assert not behind()


def test_the_daily_pass_finds_what_was_lost(ada: Somebody, sent: Sent) -> None:
    hook(ada, "image.ready")
    maintenance.wake_webhooks(Report(), now=datetime.now(UTC))
    assert ("webhooks_queue_url", {"user_id": str(ada.user_id)}, 0) in sent.messages


def test_a_first_attempt_is_asked_for_once(ada: Somebody, sent: Sent) -> None:
    """Else a receiver that is slow would have the same messages sent with each change, and worse."""
    hook(ada, "image.ready")
    finish(ada)
    telling.tell(ada.user_id)
    telling.tell(ada.user_id)
    finish(ada)
    telling.tell(ada.user_id)
    assert len(asked(sent)) == 2
    assert len({one.delivery_id for one in asked(sent)}) == 2
    with db.transaction(ada.user_id) as conn:
        conn.execute("UPDATE webhook_deliveries SET next_attempt_at = next_attempt_at - %s", [deliveries.LOST_AFTER])
    telling.tell(ada.user_id)
    assert len(asked(sent)) == 4, "its message was lost"


def test_who_is_slow_is_told_of_no_more_until_it_has_taken_what_there_is(
    ada: Somebody, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "MOST_DUE", 2)
    slow = hook(ada, "image.ready")
    for _ in range(2):
        finish(ada)
        telling.tell(ada.user_id)
    held = [*finish(ada), *finish(ada)]
    quick = hook(ada, "image.ready")
    held += finish(ada)
    telling.tell(ada.user_id)
    per_hook = "SELECT count(*) FROM webhook_deliveries WHERE webhook_id = %s"
    assert value(ada.user_id, per_hook, [slow]) == 2
    assert value(ada.user_id, per_hook, [quick]) == 1
    sent.messages.clear()
    first = value(ada.user_id, "SELECT min(id::text)::uuid FROM webhook_deliveries WHERE webhook_id = %s", [slow])
    attempt(Attempt(ada.user_id, first, 0), answering(OK))
    assert [body for _, body, _ in sent.messages] == [{"user_id": str(ada.user_id)}]
    telling.tell(ada.user_id)
    last = "SELECT body FROM webhook_deliveries WHERE webhook_id = %s ORDER BY id DESC LIMIT 1"
    assert ids_in([json.loads(value(ada.user_id, last, [slow]))]) == [str(one) for one in held]


def test_posts_that_wait_for_hours_keep_nothing_back(
    ada: Somebody, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "MOST_DUE", 1)
    hook(ada, "image.ready")
    attempt(one_delivery(ada, sent), answering(DOWN))
    finish(ada)
    assert telling.tell(ada.user_id) == 1


def test_a_deleted_account_is_told_nothing(ada: Somebody) -> None:
    hook(ada, "image.ready")
    with db.transaction(ada.user_id) as conn:
        conn.execute("UPDATE users SET erased_at = now()")
    assert telling.tell(ada.user_id) == 0


# --------------------------------------------------------------------------------------------------------- delivering


def one_delivery(who: Somebody, sent: Sent) -> Attempt:
    hook(who, "image.ready")
    finish(who)
    telling.tell(who.user_id)
    return asked(sent)[-1]


def test_a_delivery_is_posted_signed_and_done(ada: Somebody, sent: Sent) -> None:
    first = one_delivery(ada, sent)
    ((target, body, headers),) = attempt(first, answering(OK))
    assert (target.host, target.path) == ("hooks.example", "/photovault")
    with db.transaction(ada.user_id) as conn:
        (webhook,) = webhooks.all_of_person(conn)
        secret = webhooks.secrets_of(conn, ada.user_id, webhook).secret
    assert headers["webhook-id"] == str(first.delivery_id)
    expected = webhook_events.signature(secret, headers["webhook-id"], int(headers["webhook-timestamp"]), body)
    assert headers["webhook-signature"] == expected
    assert state(ada, first.delivery_id) == ("delivered", 1, 200, None)
    assert attempt(first, answering(OK)) == [], "a message that comes twice posts once"


def test_a_delivery_that_fails_comes_again_later_and_later_with_the_same_id(ada: Somebody, sent: Sent) -> None:
    message = one_delivery(ada, sent)
    seen = []
    for wait in webhook_events.RETRIES:
        before = datetime.now(UTC)
        ((_, _, headers),) = attempt(message, answering(DOWN))
        seen.append(headers["webhook-id"])
        message = asked(sent)[-1]
        assert message.at is not None
        assert before + wait <= message.at <= datetime.now(UTC) + wait
    assert set(seen) == {str(message.delivery_id)}
    many = len(asked(sent))
    attempt(message, answering(DOWN))
    assert len(asked(sent)) == many, "that was the last"
    assert state(ada, message.delivery_id) == ("failed", len(webhook_events.RETRIES) + 1, 503, None)


def test_a_message_whose_time_has_not_come_goes_back_without_a_look_at_the_database(
    sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "transaction", lambda *_: pytest.fail("the database was opened"))
    at = datetime.now(UTC) + timedelta(hours=6)
    telling.attempt(Attempt(UUID(int=1), UUID(int=2), 4, at), post=lambda *_, **__: pytest.fail("posted"))
    ((setting, body, delay),) = sent.messages
    assert (setting, body["attempts"], body["at"]) == ("webhooks_queue_url", 4, at.isoformat())
    assert delay is not None
    assert delay > 900, "which the queue cuts to what it can do"


def test_an_arrival_ends_the_trouble(ada: Somebody, sent: Sent) -> None:
    message = one_delivery(ada, sent)
    attempt(message, answering(Outcome(trouble="no answer within 10 seconds")))
    assert state(ada, message.delivery_id) == ("waiting", 1, None, "no answer within 10 seconds")
    assert value(ada.user_id, "SELECT failing_since FROM webhooks") is not None
    attempt(asked(sent)[-1], answering(OK))
    assert value(ada.user_id, "SELECT failing_since FROM webhooks") is None


def test_a_receiver_that_is_gone_is_left_alone(ada: Somebody, sent: Sent) -> None:
    message = one_delivery(ada, sent)
    attempt(message, answering(GONE))
    assert table(ada.user_id, "SELECT active, stopped_because FROM webhooks") == [(False, webhooks.GONE)]
    assert state(ada, message.delivery_id) == ("failed", 1, 410, None)
    assert value(ada.user_id, "SELECT kind FROM activity ORDER BY id DESC LIMIT 1") == "webhook-stopped"
    finish(ada)
    assert telling.tell(ada.user_id) == 0


def test_a_webhook_that_nothing_reached_for_days_is_switched_off(ada: Somebody, sent: Sent) -> None:
    message = one_delivery(ada, sent)
    with db.transaction(ada.user_id) as conn:
        conn.execute("UPDATE webhooks SET failing_since = now() - interval '4 days'")
    attempt(message, answering(DOWN))
    assert value(ada.user_id, "SELECT active FROM webhooks")
    with db.transaction(ada.user_id) as conn:
        conn.execute("UPDATE webhooks SET failing_since = now() - interval '121 hours'")
    attempt(asked(sent)[-1], answering(DOWN))
    assert table(ada.user_id, "SELECT active, stopped_because FROM webhooks") == [(False, webhooks.UNREACHABLE)]
    assert state(ada, message.delivery_id)[0] == "failed"


def test_what_may_be_posted_to_is_decided_at_each_attempt(ada: Somebody, sent: Sent) -> None:
    hook(ada, "image.ready", url="http://127.0.0.1:9/")  # as a laptop may have it
    finish(ada)
    telling.tell(ada.user_id)
    (message,) = asked(sent)
    assert attempt(message, answering(OK)) == []
    assert state(ada, message.delivery_id) == ("waiting", 1, None, "the address may not be posted to")


def test_two_workers_with_the_same_message_post_once(ada: Somebody, sent: Sent) -> None:
    message = one_delivery(ada, sent)
    others: list[Any] = []

    def meanwhile() -> Outcome:
        others.extend(attempt(message, answering(OK)))
        return OK

    assert len(attempt(message, meanwhile)) == 1
    assert others == []


def test_asking_for_it_again_while_it_is_posted_leaves_it_going(ada: Somebody, sent: Sent) -> None:
    message = one_delivery(ada, sent)
    attempt(message, answering(DOWN))
    second = asked(sent)[-1]

    def meanwhile() -> Outcome:
        with db.transaction(ada.user_id) as conn:
            deliveries.again(conn, message.delivery_id)
        return DOWN

    attempt(second, meanwhile)
    assert len(attempt(asked(sent)[-1], answering(OK))) == 1
    assert state(ada, message.delivery_id)[0] == "delivered"


def test_switched_off_while_it_is_posted_to_it_is_left_alone_from_then_on(ada: Somebody, sent: Sent) -> None:
    message = one_delivery(ada, sent)

    def meanwhile() -> Outcome:
        with db.transaction(ada.user_id) as conn:
            for webhook in webhooks.all_of_person(conn):
                webhooks.stop(conn, webhook.id, webhooks.BY_THE_PERSON)
                deliveries.give_up(conn, webhook.id)
        return DOWN

    attempt(message, meanwhile)
    assert state(ada, message.delivery_id)[0] == "failed"
    assert attempt(asked(sent)[-1], answering(OK)) == []


def test_who_was_thought_dead_does_not_undo_what_another_delivered(ada: Somebody, sent: Sent) -> None:
    message = one_delivery(ada, sent)

    def meanwhile() -> Outcome:
        forget_claims(ada)
        assert len(attempt(message, answering(OK))) == 1
        return DOWN

    attempt(message, meanwhile)
    assert state(ada, message.delivery_id)[0] == "delivered"


def test_a_webhook_that_is_removed_while_it_is_posted_to_is_gone(ada: Somebody, sent: Sent) -> None:
    message = one_delivery(ada, sent)

    def meanwhile() -> Outcome:
        with db.transaction(ada.user_id) as conn:
            conn.execute("DELETE FROM webhooks")
        return OK

    attempt(message, meanwhile)
    assert table(ada.user_id, "SELECT id FROM webhook_deliveries") == []


# -------------------------------------------------------------------------------------------------------------- deaths


def forget_claims(who: Somebody) -> None:
    with db.transaction(who.user_id) as conn:
        conn.execute("UPDATE webhook_deliveries SET claimed_until = now() - interval '1 second'")


def die_at(point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def reach(name: str) -> None:
        if name == point:
            monkeypatch.undo()
            raise Died

    monkeypatch.setattr(failpoints, "reach", reach)


def test_a_death_after_the_deliveries_were_made_loses_none(
    ada: Somebody, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook(ada, "image.ready")
    finish(ada, 2)
    with monkeypatch.context() as patch:
        die_at("webhooks.drafted", patch)
        with pytest.raises(Died):
            telling.tell(ada.user_id)
    assert asked(sent) == []
    assert telling.tell(ada.user_id) == 0, "the message comes again, and nothing is made twice"
    assert len(asked(sent)) == len(told(ada)) == 1


@pytest.mark.parametrize("point", ["webhooks.claimed", "webhooks.posted", "webhooks.asked-again"])
@pytest.mark.parametrize("outcome", [OK, DOWN], ids=["arrived", "failed"])
def test_a_death_in_an_attempt_is_made_good_when_the_message_comes_again(
    ada: Somebody, sent: Sent, monkeypatch: pytest.MonkeyPatch, point: str, outcome: Outcome
) -> None:
    message = one_delivery(ada, sent)
    with monkeypatch.context() as patch:
        die_at(point, patch)
        if (point, outcome) == ("webhooks.asked-again", OK):
            attempt(message, answering(outcome))
        else:
            with pytest.raises(Died):
                attempt(message, answering(outcome))
            assert attempt(message, answering(outcome)) == [], "somebody else may be at it"
            forget_claims(ada)
            assert len(attempt(message, answering(outcome))) == 1
    done = state(ada, message.delivery_id)
    assert done[:2] == ("delivered", 1) if outcome is OK else ("waiting", 1)
    if outcome is DOWN:
        following = [one for one in asked(sent) if one.attempts == 1]
        assert following, "the next attempt was asked for"
        posted = [attempt(one, answering(OK)) for one in following]
        assert [len(each) for each in posted] == [1] + [0] * (len(following) - 1), "twice asked for, made once"


def test_without_a_queue_the_outcome_is_not_written_and_the_message_comes_again(
    ada: Somebody, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = one_delivery(ada, sent)

    def away(*_: Any, **__: Any) -> None:
        raise Unavailable("The queues cannot be reached right now; try again.")

    with monkeypatch.context() as patch:
        patch.setattr(telling.queues, "send_delivery", away)
        with pytest.raises(Unavailable):
            attempt(message, answering(DOWN))
    forget_claims(ada)
    attempt(message, answering(DOWN))
    assert state(ada, message.delivery_id)[:2] == ("waiting", 1)


def test_a_retry_whose_message_was_lost_is_found_by_the_next_wake(ada: Somebody, sent: Sent) -> None:
    message = one_delivery(ada, sent)
    attempt(message, answering(DOWN))
    sent.messages.clear()
    telling.tell(ada.user_id)
    assert asked(sent) == [], "it is on its way"
    with db.transaction(ada.user_id) as conn:
        conn.execute("UPDATE webhook_deliveries SET next_attempt_at = now() - interval '2 hours'")
    telling.tell(ada.user_id)
    (again,) = asked(sent)
    assert (again.delivery_id, again.attempts) == (message.delivery_id, 1)


# --------------------------------------------------------------------------------------------------------- the secrets


def test_addresses_and_secrets_are_sealed_in_the_database(ada: Somebody) -> None:
    hook(ada, "image.ready", url="https://hooks.example/a-token-in-a-path")
    with db.transaction(ada.user_id) as conn:
        (webhook,) = webhooks.all_of_person(conn)
        secret = webhooks.secrets_of(conn, ada.user_id, webhook).secret
    rows = table(ada.user_id, "SELECT w::text, w.sealed FROM webhooks w")
    for text, sealed in rows:
        for private in ("a-token-in-a-path", "hooks.example", secret):
            assert private not in text
            assert private.encode() not in bytes(sealed)


def test_another_key_of_the_person_seals_the_webhooks_anew(ada: Somebody, vault: Path) -> None:
    made = hook(ada, "image.ready")
    add_photo(ada.user_id)
    with db.transaction(ada.user_id) as conn:
        before = webhooks.get(conn, made)
        assert before is not None
        secrets = webhooks.secrets_of(conn, ada.user_id, before)
    report = rotation.rotate_user(ada.user_id)
    with db.transaction(ada.user_id) as conn:
        after = webhooks.get(conn, made)
        assert after is not None
        assert (after.key_version, before.key_version) == (2, 1)
        assert webhooks.secrets_of(conn, ada.user_id, after) == secrets
    assert report.deleted == [1]


def test_a_sealed_webhook_that_was_moved_to_another_does_not_open(ada: Somebody) -> None:
    first, second = hook(ada, "image.ready"), hook(ada, "image.ready", url="https://other.example/")
    with db.transaction(ada.user_id) as conn:
        conn.execute(
            "UPDATE webhooks SET sealed = (SELECT sealed FROM webhooks WHERE id = %s) WHERE id = %s", [first, second]
        )
        moved = webhooks.get(conn, second)
        assert moved is not None
        with pytest.raises(Exception, match="bound to another webhook"):
            webhooks.secrets_of(conn, ada.user_id, moved)


def test_deliveries_that_ended_are_forgotten_after_a_month(ada: Somebody, database_url: str) -> None:
    made = hook(ada, "image.ready")
    with db.transaction(ada.user_id) as conn:
        old, waiting, new = deliveries.add(conn, made, "webhook.test", ["{}"] * 3)
    with psycopg.connect(database_url) as conn:
        conn.execute("SELECT set_config('photovault.person', %s, true)", [str(ada.user_id)])
        conn.execute("SET LOCAL ROLE photovault_app")
        conn.execute(
            "UPDATE webhook_deliveries SET created_at = now() - interval '31 days' WHERE id = ANY(%s)", [[old, waiting]]
        )
        conn.execute(
            "UPDATE webhook_deliveries SET state = 'delivered', next_attempt_at = NULL WHERE id = ANY(%s)", [[old, new]]
        )
    maintenance.forget_expired(Report(), now=datetime.now(UTC))
    assert {row[0] for row in table(ada.user_id, "SELECT id FROM webhook_deliveries")} == {waiting, new}
