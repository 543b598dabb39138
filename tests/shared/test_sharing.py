"""Tokens, proofs of visits and names of photos: what a share link is made of."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from photovault import ids, sharing

NOW = datetime(2025, 5, 9, 12, tzinfo=UTC)
SECRET, OTHER = sharing.new_secret(), sharing.new_secret()
secrets = st.binary(min_size=32, max_size=32)


def test_a_token_is_of_192_random_bits_and_needs_no_escaping() -> None:
    tokens = {sharing.new_token() for _ in range(100)}
    assert len(tokens) == 100
    for token in tokens:
        assert len(token) == 32
        assert set(token) <= set(string.ascii_letters + string.digits + "-_")
        assert token.endswith(sharing.hint(token))


def test_a_visit_lasts_for_two_hours_and_not_longer_than_the_share() -> None:
    proof, until = sharing.grant(SECRET, now=NOW, until=None)
    assert until == NOW + timedelta(hours=2)
    assert sharing.granted(SECRET, proof, now=NOW) == until
    assert sharing.granted(SECRET, proof, now=until - timedelta(seconds=1)) == until
    assert sharing.granted(SECRET, proof, now=until) is None
    _, sooner = sharing.grant(SECRET, now=NOW, until=NOW + timedelta(minutes=5))
    assert sooner == NOW + timedelta(minutes=5)


def test_a_proof_is_of_one_share() -> None:
    proof, _ = sharing.grant(SECRET, now=NOW, until=None)
    assert sharing.granted(OTHER, proof, now=NOW) is None
    assert sharing.grant(SECRET, now=NOW, until=None)[0] != proof


@given(at=st.integers(0, 41), to=st.sampled_from(string.ascii_letters + string.digits + "-_"))
def test_a_proof_that_was_changed_is_none(at: int, to: str) -> None:
    proof, _ = sharing.grant(SECRET, now=NOW, until=None)
    changed = proof[:at] + to + proof[at + 1 :]
    if changed != proof:
        assert sharing.granted(SECRET, changed, now=NOW) is None


@given(proof=st.none() | st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")))
def test_nonsense_is_no_proof(proof: str | None) -> None:
    assert sharing.granted(SECRET, proof, now=NOW) is None


@given(secret=secrets, image_id=st.uuids())
def test_a_name_leads_back_to_its_photo(secret: bytes, image_id: UUID) -> None:
    name = sharing.name_of(secret, image_id)
    assert sharing.image_of(secret, name) == image_id
    assert image_id.hex not in name


@given(name=st.text(max_size=40) | st.text("0123456789abcdefABCDEF", max_size=40))
def test_any_text_is_a_name_or_none(name: str) -> None:
    image_id = sharing.image_of(SECRET, name)
    assert image_id is None or sharing.name_of(SECRET, image_id) == name


def test_names_of_photos_taken_one_after_the_other_have_nothing_in_common() -> None:
    """Ids begin with the time of the upload; names must not."""
    names = [sharing.name_of(SECRET, ids.new()) for _ in range(50)]
    assert len({name[:4] for name in names}) > 40
    assert len({name[-4:] for name in names}) > 40


def test_two_shares_name_the_same_photo_differently() -> None:
    image_id, header = ids.new(), bytes(32)
    assert sharing.name_of(SECRET, image_id) != sharing.name_of(OTHER, image_id)
    assert sharing.etag(SECRET, header, "preview") != sharing.etag(OTHER, header, "preview")
    assert sharing.etag(SECRET, header, "preview") != sharing.etag(SECRET, header, "stripped")
