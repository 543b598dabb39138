"""The chain of keys: each opens only what it should, and says nothing of itself."""

from __future__ import annotations

import pickle
import re
import traceback
import uuid
from collections.abc import Mapping

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from photovault import keys
from photovault.errors import MasterKeyMissing, Misconfigured, Tampered, Unavailable
from photovault.keys import MasterKeys, Wrapped

OLD, NEW, FOREIGN = (keys.generate_master_key() for _ in range(3))
USER, OTHER_USER, IMAGE, OTHER_IMAGE = (uuid.UUID(int=number) for number in range(1, 5))

versions = st.integers(1, 2**31 - 1)


# A person's key under the master keys


@given(user_id=st.uuids(), version=versions)
def test_a_wrapped_dek_opens_for_its_person_and_version(user_id: uuid.UUID, version: int) -> None:
    master, dek = MasterKeys([NEW]), keys.new_dek()
    wrapped = master.wrap_dek(dek, user_id=user_id, version=version)
    assert wrapped.fingerprint == master.fingerprint
    assert master.unwrap_dek(wrapped, user_id=user_id, version=version) == dek


def test_a_dek_swapped_between_rows_is_refused() -> None:
    master = MasterKeys([NEW])
    wrapped = master.wrap_dek(keys.new_dek(), user_id=USER, version=1)
    with pytest.raises(Tampered, match="another person or version"):
        master.unwrap_dek(wrapped, user_id=OTHER_USER, version=1)
    with pytest.raises(Tampered, match="another person or version"):
        master.unwrap_dek(wrapped, user_id=USER, version=2)


def test_an_altered_or_foreign_dek_is_refused() -> None:
    master = MasterKeys([NEW])
    token = bytearray(master.wrap_dek(keys.new_dek(), user_id=USER, version=1).token)
    foreign = MasterKeys([FOREIGN]).wrap_dek(keys.new_dek(), user_id=USER, version=1).token
    token[40] ^= 1
    for bad in (bytes(token), foreign, b"", b"not a token"):
        with pytest.raises(Tampered, match="MASTER_KEY"):
            master.unwrap_dek(Wrapped(bad, master.fingerprint), user_id=USER, version=1)


def test_rotation_puts_a_new_key_in_front_and_rewraps_without_changing_the_dek() -> None:
    before, during, after = MasterKeys([OLD]), MasterKeys([NEW, OLD]), MasterKeys([NEW])
    dek = keys.new_dek()
    old = before.wrap_dek(dek, user_id=USER, version=3)
    assert during.unwrap_dek(old, user_id=USER, version=3) == dek
    new = during.rewrap(old, user_id=USER, version=3)
    assert new.fingerprint == after.fingerprint != old.fingerprint
    assert after.unwrap_dek(new, user_id=USER, version=3) == dek
    with pytest.raises(MasterKeyMissing, match=old.fingerprint) as missing:
        after.unwrap_dek(old, user_id=USER, version=3)
    assert isinstance(missing.value, Unavailable), "queues and clients try again; nothing is rejected"


def test_rewrapping_refuses_a_swapped_dek() -> None:
    master = MasterKeys([NEW, OLD])
    wrapped = master.wrap_dek(keys.new_dek(), user_id=USER, version=1)
    with pytest.raises(Tampered):
        master.rewrap(wrapped, user_id=OTHER_USER, version=1)


# An image's key under its owner's


@given(image_id=st.uuids())
def test_a_wrapped_content_key_opens_for_its_image(image_id: uuid.UUID) -> None:
    dek, content_key = keys.new_dek(), keys.new_content_key()
    token = keys.wrap_content_key(dek, content_key, image_id=image_id)
    assert keys.unwrap_content_key(dek, token, image_id=image_id) == content_key


def test_a_content_key_swapped_between_images_or_people_is_refused() -> None:
    dek = keys.new_dek()
    token = keys.wrap_content_key(dek, keys.new_content_key(), image_id=IMAGE)
    with pytest.raises(Tampered, match="another photo"):
        keys.unwrap_content_key(dek, token, image_id=OTHER_IMAGE)
    with pytest.raises(Tampered, match="another person's key"):
        keys.unwrap_content_key(keys.new_dek(), token, image_id=IMAGE)
    with pytest.raises(Tampered, match="altered"):
        keys.unwrap_content_key(dek, token[:-4], image_id=IMAGE)


def test_a_dek_cannot_pass_for_a_content_key_nor_the_reverse() -> None:
    """Even where one key wraps both kinds."""
    master = MasterKeys([NEW])
    dek_token = master.wrap_dek(keys.new_dek(), user_id=USER, version=1).token
    content_token = keys.wrap_content_key(NEW.encode(), keys.new_content_key(), image_id=USER)
    with pytest.raises(Tampered):
        keys.unwrap_content_key(NEW.encode(), dek_token, image_id=USER)
    with pytest.raises(Tampered):
        master.unwrap_dek(Wrapped(content_token, master.fingerprint), user_id=USER, version=1)


def test_a_content_key_of_another_length_is_not_wrapped_nor_taken() -> None:
    dek = keys.new_dek()
    with pytest.raises(ValueError, match="32 bytes"):
        keys.wrap_content_key(dek, bytes(31), image_id=IMAGE)
    genuine = keys.wrap_content_key(dek, bytes(32), image_id=IMAGE)
    longer = Fernet(dek).encrypt(Fernet(dek).decrypt(genuine) + b"\x00")
    with pytest.raises(Tampered, match="length"):
        keys.unwrap_content_key(dek, longer, image_id=IMAGE)


# Keys of KMS among the Fernet keys


class Safe:
    """Stands for KMS: a token is the payload reversed, bound to key and context."""

    def __init__(self, arn: str) -> None:
        self.seal = f"{arn}:".encode()

    def wrap(self, payload: bytes, *, context: Mapping[str, str]) -> bytes:
        return self.seal + repr(sorted(context.items())).encode() + b"|" + payload[::-1]

    def unwrap(self, token: bytes, *, context: Mapping[str, str]) -> bytes:
        bound, _, payload = token.partition(b"|")
        if bound != self.seal + repr(sorted(context.items())).encode():
            raise Tampered("Not wrapped by this key for this.")
        return payload[::-1]


ARN = "arn:aws:kms:eu-central-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"
IN_KMS = f"kms:{ARN}"


@pytest.mark.parametrize(
    ("before", "after"), [(OLD, IN_KMS), (IN_KMS, NEW)], ids=["from Fernet to KMS", "from KMS to Fernet"]
)
def test_rotation_leads_into_kms_and_out_of_it_by_the_order_of_one_list(before: str, after: str) -> None:
    dek = keys.new_dek()
    old = MasterKeys([before], kms=Safe).wrap_dek(dek, user_id=USER, version=1)
    both = MasterKeys([after, before], kms=Safe)
    new = both.rewrap(old, user_id=USER, version=1)
    alone = MasterKeys([after], kms=Safe)
    assert new.fingerprint == alone.fingerprint == both.fingerprint
    assert alone.unwrap_dek(new, user_id=USER, version=1) == dek
    with pytest.raises(MasterKeyMissing, match=old.fingerprint):
        alone.unwrap_dek(old, user_id=USER, version=1)
    assert [both.asks_kms(name) for name in both.fingerprints] == [after == IN_KMS, before == IN_KMS]


def test_the_context_and_the_payload_both_bind_a_key_in_kms_to_person_and_version() -> None:
    class Forgetful(Safe):
        def unwrap(self, token: bytes, *, context: Mapping[str, str]) -> bytes:
            return token.partition(b"|")[2][::-1]

    wrapped = MasterKeys([IN_KMS], kms=Safe).wrap_dek(keys.new_dek(), user_id=USER, version=1)
    for safe in (Safe, Forgetful):
        master = MasterKeys([IN_KMS], kms=safe)
        assert master.unwrap_dek(wrapped, user_id=USER, version=1)
        for user_id, version in ((OTHER_USER, 1), (USER, 2)):
            with pytest.raises(Tampered):
                master.unwrap_dek(wrapped, user_id=user_id, version=version)


def test_a_row_that_names_another_kind_of_master_key_than_wrapped_it_is_refused() -> None:
    master = MasterKeys([IN_KMS, NEW], kms=Safe)
    wrapped = MasterKeys([NEW]).wrap_dek(keys.new_dek(), user_id=USER, version=1)
    with pytest.raises(Tampered):
        master.unwrap_dek(Wrapped(wrapped.token, master.fingerprint), user_id=USER, version=1)


def test_the_fingerprint_of_a_key_in_kms_is_that_of_its_replicas_and_of_no_other_key() -> None:
    replica = IN_KMS.replace("eu-central-1", "us-east-1")
    others = [IN_KMS.replace("1234abcd", "1234abce"), IN_KMS.replace("000000000000", "000000000001")]
    fingerprint = MasterKeys([IN_KMS]).fingerprint
    assert fingerprint == MasterKeys([replica]).fingerprint
    assert re.fullmatch("kms:[0-9a-f]{16}", fingerprint)
    assert len({fingerprint, *(MasterKeys([other]).fingerprint for other in others)}) == 3


def test_links_are_signed_with_the_newest_fernet_key_and_kms_alone_says_what_to_do() -> None:
    mixed = MasterKeys([IN_KMS, NEW, OLD])
    assert mixed.derive("links") == MasterKeys([NEW]).derive("links")
    assert mixed.derive_all("links") == MasterKeys([NEW, OLD]).derive_all("links")
    with pytest.raises(Misconfigured, match=r"put a Fernet key behind.*photovault keys generate"):
        MasterKeys([IN_KMS]).derive("links")


def test_without_a_way_to_kms_its_keys_open_nothing() -> None:
    with pytest.raises(Misconfigured, match="nothing here can ask KMS"):
        MasterKeys([IN_KMS]).wrap_dek(keys.new_dek(), user_id=USER, version=1)


# Fingerprints and derived keys


def test_fingerprints_name_keys_newest_first() -> None:
    master = MasterKeys([NEW, OLD])
    assert master.fingerprints == (MasterKeys([NEW]).fingerprint, MasterKeys([OLD]).fingerprint)
    assert master.fingerprint == master.fingerprints[0]
    assert len({*master.fingerprints}) == 2


def test_each_purpose_has_a_key_of_its_own() -> None:
    master = MasterKeys([NEW, OLD])
    assert master.derive("links") == MasterKeys([NEW]).derive("links")
    assert master.derive_all("links") == (master.derive("links"), MasterKeys([OLD]).derive("links"))
    assert len({master.derive("links"), master.derive("other"), MasterKeys([OLD]).derive("links")}) == 3
    assert len(master.derive("links")) == 32


# What is refused, and what is never told


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "short",
        NEW[:-1],
        NEW + "AAAA",
        NEW[:10] + "!" + NEW[11:],
        "ключ",
        NEW[:20] + " " + NEW[21:],
        "kms:nothing",
        "kms:alias/photovault",
        "kms:1234abcd-12ab-34cd-56ef-1234567890ab",
        ARN,
        f"kms:{ARN.replace(':key/', ':alias/')}",
        f"kms:{ARN}/",
        "kms:arn:aws:s3:::bucket",
    ],
    ids=[
        "empty",
        "short",
        "cut",
        "longer",
        "sign",
        "letters",
        "blank",
        "no ARN",
        "alias",
        "bare id",
        "unmarked ARN",
        "ARN of an alias",
        "ARN and more",
        "ARN of a bucket",
    ],
)
def test_a_bad_master_key_is_refused_with_the_way_out_and_without_its_text(bad: str) -> None:
    assert not keys.is_master_key(bad)
    with pytest.raises(Misconfigured, match=r"Key 2 of MASTER_KEY.*photovault keys generate") as refusal:
        MasterKeys([NEW, bad])
    told = "".join(traceback.format_exception(refusal.value))
    assert not bad or bad not in told
    assert NEW not in told


def test_no_master_key_at_all_is_refused_with_the_way_out() -> None:
    with pytest.raises(Misconfigured, match="photovault keys generate"):
        MasterKeys([])


def test_master_keys_neither_print_nor_pickle() -> None:
    master = MasterKeys([NEW, OLD])
    shown = f"{master!r} {master} {vars(master)}"
    assert master.fingerprint in shown
    assert NEW not in shown
    with pytest.raises(TypeError, match="not serialised"):
        pickle.dumps(master)
