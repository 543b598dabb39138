"""Master keys in KMS: what is bound, what each refusal means, and that no transaction waits for the network.

Against LocalStack, and a stand-in for what it does not refuse. LocalStack 4.12 does enforce the encryption context, the
key that is named, and a key's state; it has no throttling and checks no policies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from infra.local import stack
from infra.local.localstack import LocalStack
from psycopg_pool import ConnectionPool
from tests.arranging import Sent, add_photo, add_photos
from tests.storages import content_keys
from tests.vaults import forget, somebody, use_master_keys

from photovault import aws, db, keyring, keys, rotation
from photovault.api import edge
from photovault.errors import MasterKeyMissing, Tampered, Unavailable
from photovault.keys import MasterKeys, Wrapped
from photovault.kms import KmsKey
from photovault.settings import get_settings

ARN = "arn:aws:kms:eu-central-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"
USER, OTHER_USER = UUID(int=1), UUID(int=2)

Use = Callable[..., None]


# ------------------------------------------------------------------------------------------------------- LocalStack


@pytest.fixture
def kms(localstack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of LocalStack's KMS, which is also that of the code under test."""
    stack.client(localstack.endpoint, "lambda").list_functions()  # loads our corrections, of CreateKey among others
    client = stack.client(localstack.endpoint, "kms")
    monkeypatch.setattr(aws, "client", lambda service: client)
    return client


def new_key(kms: Any) -> str:
    """The ARN of a new key."""
    return str(kms.create_key()["KeyMetadata"]["Arn"])


def masters(*entries: str) -> MasterKeys:
    return MasterKeys(entries, kms=KmsKey)


def test_a_key_wrapped_by_kms_opens_for_its_person_and_version_alone(kms: Any) -> None:
    arn = new_key(kms)
    master, dek = masters(f"kms:{arn}"), keys.new_dek()
    wrapped = master.wrap_dek(dek, user_id=USER, version=1)
    assert dek not in wrapped.token
    assert master.unwrap_dek(wrapped, user_id=USER, version=1) == dek
    for user_id, version in ((OTHER_USER, 1), (USER, 2)):
        with pytest.raises(Tampered, match="altered, or KMS wrapped it for another"):
            master.unwrap_dek(wrapped, user_id=user_id, version=version)


def test_the_context_names_the_person_the_version_and_what_it_is_for(kms: Any) -> None:
    arn = new_key(kms)
    token = masters(f"kms:{arn}").wrap_dek(keys.new_dek(), user_id=USER, version=3).token
    context = {"photovault": "dek", "user_id": str(USER), "version": "3"}
    assert kms.decrypt(CiphertextBlob=token, KeyId=arn, EncryptionContext=context)["Plaintext"]
    for name in context:
        less = {key: value for key, value in context.items() if key != name}
        with pytest.raises(ClientError, match="InvalidCiphertext"):
            kms.decrypt(CiphertextBlob=token, KeyId=arn, EncryptionContext=less)


def test_the_payload_binds_person_and_version_where_a_context_was_forged(kms: Any) -> None:
    """Whoever may call kms:Encrypt can choose the context; what is inside still says whose key it is."""
    arn = new_key(kms)
    master = masters(f"kms:{arn}")
    context = {"photovault": "dek", "user_id": str(USER), "version": "1"}
    payload = kms.decrypt(
        CiphertextBlob=master.wrap_dek(keys.new_dek(), user_id=USER, version=1).token,
        KeyId=arn,
        EncryptionContext=context,
    )["Plaintext"]
    forged = kms.encrypt(KeyId=arn, Plaintext=payload, EncryptionContext=context | {"user_id": str(OTHER_USER)})
    with pytest.raises(Tampered, match="another person or version"):
        master.unwrap_dek(Wrapped(forged["CiphertextBlob"], master.fingerprint), user_id=OTHER_USER, version=1)


def test_what_another_key_wrapped_or_somebody_altered_is_refused(kms: Any) -> None:
    ours, foreign = masters(f"kms:{new_key(kms)}"), masters(f"kms:{new_key(kms)}")
    token = ours.wrap_dek(keys.new_dek(), user_id=USER, version=1).token
    altered = token[:-1] + bytes([token[-1] ^ 1])
    theirs = foreign.wrap_dek(keys.new_dek(), user_id=USER, version=1).token
    for bad in (altered, theirs, b"", b"no token"):
        with pytest.raises(Tampered, match="does not open"):
            ours.unwrap_dek(Wrapped(bad, ours.fingerprint), user_id=USER, version=1)


def test_a_key_that_cannot_be_used_says_why_and_is_tried_again(kms: Any) -> None:
    arn = new_key(kms)
    master = masters(f"kms:{arn}")
    wrapped = master.wrap_dek(keys.new_dek(), user_id=USER, version=1)
    kms.disable_key(KeyId=arn)
    with pytest.raises(Unavailable, match="disabled: enable it"):
        master.unwrap_dek(wrapped, user_id=USER, version=1)
    kms.enable_key(KeyId=arn)
    assert master.unwrap_dek(wrapped, user_id=USER, version=1)
    kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    with pytest.raises(Unavailable, match="deletion is scheduled, cancel"):
        master.unwrap_dek(wrapped, user_id=USER, version=1)
    with pytest.raises(Unavailable, match="knows no such key"):
        masters(f"kms:{arn[:-12]}000000000000").wrap_dek(keys.new_dek(), user_id=USER, version=1)


@pytest.fixture
def use(vault: Path, sent: Sent, monkeypatch: pytest.MonkeyPatch) -> Iterator[Use]:
    def start(*master_keys: str) -> None:
        use_master_keys(monkeypatch, master_keys)

    yield start
    monkeypatch.undo()
    forget()


def test_everybody_moves_into_kms_from_key_to_key_there_and_out_again(kms: Any, use: Use) -> None:
    first, last = keys.generate_master_key(), keys.generate_master_key()
    one, two = f"kms:{new_key(kms)}", f"kms:{new_key(kms)}"
    use(first)
    everybody = [somebody() for _ in range(3)]
    for who in everybody:
        add_photos(who.user_id, 2)
    before = [content_keys(who) for who in everybody]
    for newer, older in ((one, first), (two, one), (last, two)):
        use(newer, older)
        assert [content_keys(who) for who in everybody] == before, "before the rotation"
        assert rotation.rotate_master(batch=2).rewrapped == 3
        use(newer)
        assert [content_keys(who) for who in everybody] == before, "with the newer key alone"
        use(older)
        with pytest.raises(MasterKeyMissing):
            content_keys(everybody[0])


def test_a_person_gets_a_new_key_from_kms(kms: Any, use: Use) -> None:
    use(f"kms:{new_key(kms)}")
    ada = somebody()
    add_photos(ada.user_id, 3)
    before = content_keys(ada)
    assert rotation.rotate_user(ada.user_id).version == 2
    assert content_keys(ada) == before


# ------------------------------------------------------------------------------------------------------- a stand-in


class StandIn:
    """Answers like KMS, or fails as it is told; notes whether a transaction was open while it was asked."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.within_transactions: list[bool] = []
        self.lent = 0
        """Connections of the pool that somebody has."""

    def encrypt(self, *, KeyId: str, Plaintext: bytes, EncryptionContext: dict[str, str]) -> dict[str, bytes]:  # noqa: N803
        self._asked()
        return {"CiphertextBlob": repr((KeyId, sorted(EncryptionContext.items()))).encode() + b"|" + Plaintext}

    def decrypt(self, *, KeyId: str, CiphertextBlob: bytes, EncryptionContext: dict[str, str]) -> dict[str, bytes]:  # noqa: N803
        self._asked()
        return {"Plaintext": CiphertextBlob.partition(b"|")[2]}

    def _asked(self) -> None:
        if self.failure is not None:
            raise self.failure
        self.within_transactions.append(self.lent > 0)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    made = StandIn()
    monkeypatch.setattr(aws, "client", lambda service: made)
    lend, take_back = ConnectionPool.getconn, ConnectionPool.putconn

    # The pool's own figures count connections that it is still opening, which nobody has.
    def getconn(self: Any, *given: Any, **named: Any) -> Any:
        conn = lend(self, *given, **named)
        made.lent += 1
        return conn

    def putconn(self: Any, conn: Any) -> None:
        made.lent -= 1
        take_back(self, conn)

    monkeypatch.setattr(ConnectionPool, "getconn", getconn)
    monkeypatch.setattr(ConnectionPool, "putconn", putconn)
    return made


def refusal(code: str) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": f"User: arn:aws:iam::000000000000:role/x on {ARN}"}}, "Decrypt"
    )


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (refusal("ThrottlingException"), "busy"),
        (refusal("KMSInternalException"), "busy"),
        (refusal("KeyUnavailableException"), "busy"),
        (refusal("AccessDeniedException"), "allow kms:Encrypt and kms:Decrypt"),
        (refusal("NotFoundException"), "knows no such key"),
        (refusal("DisabledException"), "enable it"),
        (refusal("KMSInvalidStateException"), "cancel that now"),
        (EndpointConnectionError(endpoint_url="https://kms"), "does not answer"),
        (NoCredentialsError(), "does not answer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whatever_keeps_kms_from_answering_is_tried_again_and_said_in_words(
    stand_in: StandIn, failure: Exception, sentence: str
) -> None:
    """Never `NotFound`, `Tampered` or `Rejected`: workers would take the photo for gone, or for bad."""
    master = masters(f"kms:{ARN}")
    wrapped = master.wrap_dek(keys.new_dek(), user_id=USER, version=1)
    stand_in.failure = failure
    for ask in (
        lambda: master.unwrap_dek(wrapped, user_id=USER, version=1),
        lambda: master.wrap_dek(keys.new_dek(), user_id=USER, version=1),
    ):
        with pytest.raises(Unavailable, match=sentence) as refused:
            ask()
        assert "000000000000" not in refused.value.detail, "an answer of the API tells no account"


@pytest.mark.parametrize("code", ["InvalidCiphertextException", "IncorrectKeyException"])
def test_what_kms_does_not_know_as_its_own_is_tampered_with(stand_in: StandIn, code: str) -> None:
    stand_in.failure = refusal(code)
    with pytest.raises(Tampered):
        masters(f"kms:{ARN}").unwrap_dek(Wrapped(b"x", masters(f"kms:{ARN}").fingerprint), user_id=USER, version=1)


def test_no_transaction_waits_for_kms(stand_in: StandIn, use: Use) -> None:
    use(f"kms:{ARN}")
    ada = somebody()
    person = edge.Person(ada.user_id, ada.session_id)
    keyring.provide(ada.user_id)
    with person.transaction() as conn:
        image_id = uuid4()
        version, wrapped = keyring.new_content_key(conn, ada.user_id, image_id)
    keyring.forget()
    with person.transaction() as conn:
        assert keyring.content_key(conn, ada.user_id, image_id, version=version, wrapped=wrapped)
    rotation.rotate_user(ada.user_id)
    assert len(stand_in.within_transactions) >= 4
    assert not any(stand_in.within_transactions)


def test_an_outage_of_kms_stops_only_what_needs_a_key_and_no_transaction_waits_for_it(
    stand_in: StandIn, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    use(f"kms:{ARN}")
    ada = somebody()
    person = edge.Person(ada.user_id, ada.session_id)
    add_photo(ada.user_id)
    keyring.forget()
    asked = len(stand_in.within_transactions)
    stand_in.failure = refusal("ThrottlingException")
    with person.transaction() as conn:
        assert conn.execute("SELECT count(*) FROM images").fetchone() == (1,)
        stand_in.failure = None
        with pytest.raises(Unavailable, match="busy"):
            keyring.dek(conn, ada.user_id, 1)
    assert len(stand_in.within_transactions) == asked, "what was refused a moment ago is not asked for again"
    now += keyring.REFUSAL_SECONDS + 1
    with person.transaction() as conn:
        assert keyring.dek(conn, ada.user_id, 1)
    assert stand_in.within_transactions[asked:] == [False]


def test_a_first_upload_during_an_outage_of_kms_is_refused_before_its_transaction(stand_in: StandIn, use: Use) -> None:
    use(f"kms:{ARN}")
    stand_in.failure = refusal("ThrottlingException")
    with pytest.raises(Unavailable):
        keyring.provide(somebody().user_id)


def test_an_open_key_is_not_asked_for_again(stand_in: StandIn, use: Use) -> None:
    use(f"kms:{ARN}")
    ada = somebody()
    add_photo(ada.user_id)
    keyring.forget()
    keyring.warm(ada.user_id)
    asked = len(stand_in.within_transactions)
    keyring.warm(ada.user_id)
    keyring.provide(ada.user_id)
    with db.transaction(ada.user_id) as conn:
        keyring.dek(conn, ada.user_id, 1)
    assert len(stand_in.within_transactions) == asked


def test_without_kms_nothing_is_looked_at_beforehand(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    use(keys.generate_master_key())
    monkeypatch.setattr(db, "transaction", lambda user_id: pytest.fail("a round trip for nothing"))
    keyring.warm(uuid4())
    keyring.provide(uuid4())


def test_a_function_without_master_keys_does_without_them(use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASTER_KEY")
    get_settings.cache_clear()
    keyring.warm(uuid4())
