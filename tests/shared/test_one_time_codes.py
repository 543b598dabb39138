"""One-time codes against the vectors of RFC 6238, recovery codes, and secrets at rest."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photovault import ids, one_time_codes
from photovault.errors import Tampered, Unavailable
from photovault.one_time_codes import Sealed, SealingKeys

SECRET = b"12345678901234567890"  # RFC 6238, appendix B
NOW = datetime(2026, 5, 1, 12, 0, 14, tzinfo=UTC)
STEP = one_time_codes.step_of(NOW)


# The last six of the eight digits that appendix B has for SHA-1: a code is the number modulo a power of ten.
@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037"),
     (20000000000, "353130")],
)  # fmt: skip
def test_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    now = datetime.fromtimestamp(seconds, UTC)
    assert one_time_codes.code_at(SECRET, one_time_codes.step_of(now)) == code
    assert one_time_codes.matching_step(SECRET, code, now=now, after=0) == seconds // 30


# RFC 4226, appendix D.
def test_codes_are_those_of_rfc_4226() -> None:
    expected = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]
    assert [one_time_codes.code_at(SECRET, count) for count in range(10)] == expected


@pytest.mark.parametrize(("drift", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_off_by_one_step(drift: int, taken: bool) -> None:
    code = one_time_codes.code_at(SECRET, STEP + drift)
    found = one_time_codes.matching_step(SECRET, code, now=NOW, after=0)
    assert found == (STEP + drift if taken else None)


def test_no_step_is_taken_that_is_not_later_than_the_last() -> None:
    before, this, after = (one_time_codes.code_at(SECRET, STEP + n) for n in (-1, 0, 1))
    for code in (before, this):
        assert one_time_codes.matching_step(SECRET, code, now=NOW, after=STEP) is None
    assert one_time_codes.matching_step(SECRET, after, now=NOW, after=STEP) == STEP + 1


@given(st.text(max_size=20))
def test_any_text_is_compared_and_none_but_the_code_fits(text: str) -> None:
    known = {one_time_codes.code_at(SECRET, STEP + n) for n in (-1, 0, 1)}
    found = one_time_codes.matching_step(SECRET, text, now=NOW, after=0)
    assert (found is not None) == (one_time_codes.typed(text) in known)
    one_time_codes.is_recovery_code(text)


def test_a_code_may_be_typed_as_apps_show_it() -> None:
    code = one_time_codes.code_at(SECRET, STEP)
    for typed in (f"{code[:3]} {code[3:]}", f" {code}\n", f"{code[:3]}-{code[3:]}"):
        assert one_time_codes.matching_step(SECRET, typed, now=NOW, after=0) == STEP


def test_digits_of_other_scripts_are_no_code() -> None:
    assert not one_time_codes.is_recovery_code("１２３４" * 4)
    code = one_time_codes.code_at(SECRET, STEP)
    wide = code.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})
    assert one_time_codes.matching_step(SECRET, wide, now=NOW, after=0) is None


@pytest.mark.parametrize(
    "email", ["ada@example.com", "ädä+x@exämple.com", "a&secret=x@example.com", 'a"b?#/:@example.com']
)
def test_the_uri_tells_an_authenticator_the_secret_and_whose_it_is(email: str) -> None:
    parts = urlsplit(one_time_codes.uri(SECRET, email))
    assert (parts.scheme, parts.netloc, parts.fragment) == ("otpauth", "totp", "")
    assert unquote(parts.path) == f"/PhotoVault:{email}"
    told = parse_qs(parts.query, strict_parsing=True)
    assert base64.b32decode(told.pop("secret")[0]) == SECRET
    assert told == {"issuer": ["PhotoVault"], "algorithm": ["SHA1"], "digits": ["6"], "period": ["30"]}


# -------------------------------------------------------------------------------------------------- recovery codes


def test_recovery_codes_are_ten_of_eighty_bits_in_letters_that_are_not_misread() -> None:
    codes = one_time_codes.new_recovery_codes()
    assert len(set(codes)) == 10
    for code in codes:
        assert re.fullmatch(r"([0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}", code)
        assert one_time_codes.is_recovery_code(code)


def test_a_recovery_code_is_the_same_however_it_is_typed_and_for_whom_it_is_made() -> None:
    ada, eve = ids.new(), ids.new()
    kept = one_time_codes.hash_recovery_code(ada, "7k01-qx9d-0vtn-c5rz")
    for typed in ("7K01QX9D0VTNC5RZ", "7k0l qx9d ovtn c5rz", " 7kOI-qx9d-0vtn-c5rz "):
        assert one_time_codes.is_recovery_code(typed)
        assert one_time_codes.hash_recovery_code(ada, typed) == kept
    assert one_time_codes.hash_recovery_code(eve, "7k01-qx9d-0vtn-c5rz") != kept


# --------------------------------------------------------------------------------------------------------- at rest

KEYS = SealingKeys(["a new secret of the tests", "an old secret of the tests"])


def test_a_sealed_secret_opens_for_its_person_alone() -> None:
    ada = ids.new()
    sealed = KEYS.seal(SECRET, user_id=ada)
    assert SECRET not in sealed.token
    assert sealed.sealed_by == KEYS.fingerprint
    assert KEYS.open(sealed, user_id=ada) == SECRET
    with pytest.raises(Tampered):
        KEYS.open(sealed, user_id=ids.new())


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_a_changed_bit_is_noticed(position: int, bit: int) -> None:
    ada = ids.new()
    sealed = KEYS.seal(SECRET, user_id=ada)
    token = bytearray(sealed.token)
    token[position % len(token)] ^= 1 << bit
    with pytest.raises(Tampered):
        KEYS.open(Sealed(bytes(token), sealed.sealed_by), user_id=ada)


@pytest.mark.parametrize("token", [b"", b"short", b"x" * 12])
def test_what_is_too_short_is_tampered_with(token: bytes) -> None:
    with pytest.raises(Tampered):
        KEYS.open(Sealed(token, KEYS.fingerprint), user_id=ids.new())


def test_an_older_secret_still_opens_and_one_that_is_gone_says_what_to_do() -> None:
    ada = ids.new()
    old = SealingKeys(["an old secret of the tests"])
    sealed = old.seal(SECRET, user_id=ada)
    assert KEYS.open(sealed, user_id=ada) == SECRET
    with pytest.raises(Unavailable, match="recovery code"):
        SealingKeys(["another"]).open(sealed, user_id=ada)


def test_the_keys_of_codes_are_none_that_sign_and_are_not_shown() -> None:
    from photovault.tokens import SigningKey

    signing = SigningKey.from_secret("a new secret of the tests")
    assert one_time_codes._key("a new secret of the tests") != signing.private.private_bytes_raw()
    assert "secret of the tests" not in repr(KEYS)


def test_the_seconds_of_a_step_are_one_step() -> None:
    start = datetime.fromtimestamp(STEP * 30, UTC)
    assert {one_time_codes.step_of(start + timedelta(seconds=n)) for n in range(30)} == {STEP}
    assert one_time_codes.step_of(start + timedelta(seconds=30)) == STEP + 1
