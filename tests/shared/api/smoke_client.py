"""A day with the client that a generator makes of the OpenAPI document: ``smoke_client.py BASE PHOTO_ID``.

It reads Ada's token from standard input, and her password from the line below it.

test_generated_client.py runs it in the generator's own environment, which has nothing of this project. What is not in
the document is what a developer writes beside such a client: the post of the bytes, and the look at a signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import sys
import time
from uuid import UUID, uuid4

import httpx
from photo_vault_client import AuthenticatedClient, Client
from photo_vault_client.api.albums import create_album, delete_album, list_album_images, list_albums
from photo_vault_client.api.auth import create_api_key, give_proof, log_in, sign_up, verify
from photo_vault_client.api.images import (
    announce_uploads,
    delete_image,
    edit_image,
    get_image,
    list_images,
    view_image,
)
from photo_vault_client.api.search import search, suggest
from photo_vault_client.api.sync import create_webhook, list_changes, rotate_webhook_secret
from photo_vault_client.models import (
    ChangeKind,
    ImageEdit,
    ImageStatus,
    LogIn,
    ManualAlbum,
    NewKey,
    NewKeyScopesItem,
    NewWebhook,
    NewWebhookEventsItem,
    PageAlbumImage,
    PageImage,
    Problem,
    Proof,
    Rotation,
    SearchPage,
    SignUp,
    UploadItem,
    UploadRequest,
)


def main() -> None:
    base, photo = sys.argv[1], UUID(sys.argv[2])
    token, password = sys.stdin.read().split("\n")
    ada = AuthenticatedClient(base_url=base, token=token)

    come_in(base, photo)
    look(ada, photo)
    keep_an_album(ada, photo)
    follow(ada, photo)
    send(ada)
    be_told(ada, password)


def come_in(base: str, somebody_elses: UUID) -> None:
    nobody = Client(base_url=base)
    email, password = f"{uuid4().hex}@example.com", "password123"
    signed_up = sign_up.sync(client=nobody, body=SignUp(email=email, password=password, name="Mia"))
    assert signed_up.user.email == email
    logged_in = log_in.sync(client=nobody, body=LogIn(email=email, password=password))
    assert logged_in.token_type == "bearer"
    refused = log_in.sync_detailed(client=nobody, body=LogIn(email=email, password="something else"))
    assert refused.status_code == 401
    assert isinstance(refused.parsed, Problem), refused.parsed
    assert refused.parsed.detail

    mia = AuthenticatedClient(base_url=base, token=logged_in.access_token)
    assert verify.sync(client=mia).user.name == "Mia"
    assert list_images.sync(client=mia).items == []
    missing = get_image.sync_detailed(somebody_elses, client=mia)
    assert missing.status_code == 404
    assert isinstance(missing.parsed, Problem), "somebody else's photo"


def look(ada: AuthenticatedClient, photo: UUID) -> None:
    """Page by page; and what is known already is not sent again."""
    pages = [list_images.sync(client=ada, limit=1)]
    while pages[-1].next_cursor:
        pages.append(list_images.sync(client=ada, limit=1, cursor=pages[-1].next_cursor))
    assert all(isinstance(page, PageImage) and len(page.items) == 1 for page in pages)
    listed = [page.items[0] for page in pages]
    assert len({image.id for image in listed}) == len(pages) == 3
    assert photo in {image.id for image in listed}
    assert {image.status for image in listed} == {ImageStatus.READY}
    wrong = list_images.sync_detailed(client=ada, cursor="not a cursor")
    assert wrong.status_code == 422
    assert wrong.parsed.type_.endswith("/bad-cursor")

    edited = edit_image.sync(photo, client=ada, body=ImageEdit(caption="the first coffee", favourite=True))
    assert (edited.caption, edited.favourite) == ("the first coffee", True)
    found = search.sync(client=ada, q="coffee")
    assert isinstance(found, SearchPage)
    assert [hit.image.id for hit in found.items] == [photo]

    def view(**headers: str) -> tuple[int, bytes, str | None]:
        asking = AuthenticatedClient(base_url=ada._base_url, token=ada.token, headers=headers)
        seen = view_image.sync_detailed(photo, client=asking)
        return seen.status_code, seen.content, seen.headers.get("etag")

    status, content, tag = view()
    assert (status, content) == (200, b"preview" * 20), (status, content)
    assert view(**{"if-none-match": tag})[0] == 304
    assert view(range="bytes=0-6")[:2] == (206, b"preview")
    assert view(**{"if-match": '"another"'})[0] == 412


def keep_an_album(ada: AuthenticatedClient, photo: UUID) -> None:
    album = create_album.sync(client=ada, body=ManualAlbum(title="Mornings", image_ids=[photo]))
    assert album.title == "Mornings"
    assert "Mornings" in {listed.title for listed in list_albums.sync(client=ada).items}
    inside = list_album_images.sync(album.id, client=ada)
    assert isinstance(inside, PageAlbumImage)
    assert [image.id for image in inside.items] == [photo]
    assert suggest.sync(client=ada, q="morn").items[0].value == "Mornings"


def follow(ada: AuthenticatedClient, photo: UUID) -> None:
    """A copy that keeps up: everything, then what changed, then what went away."""
    copy: dict[tuple[ChangeKind, UUID], object] = {}

    def catch_up(since: str | None) -> str:
        while True:
            page = list_changes.sync(client=ada, limit=2, **({"since": since} if since else {}))
            for item in page.items:
                copy.pop((item.kind, item.id), None)
                if not item.gone:
                    copy[item.kind, item.id] = item
            since = page.next_since
            if not page.more:
                return since

    since = catch_up(None)
    assert copy[ChangeKind.IMAGE, photo].image.caption == "the first coffee"
    album = next(item.album for (kind, _), item in copy.items() if kind is ChangeKind.ALBUM)
    assert album.image_ids == [photo]
    delete_album.sync_detailed(album.id, client=ada)
    delete_image.sync_detailed(photo, client=ada)
    assert catch_up(since)
    assert (ChangeKind.ALBUM, album.id) not in copy
    assert (ChangeKind.IMAGE, photo) not in copy
    lost = list_changes.sync_detailed(client=ada, since="not a place")
    assert lost.status_code == 422, lost


def send(ada: AuthenticatedClient) -> None:
    """Announced with the client, and posted with any other."""
    data = b"not a picture, but ten times as good" * 10
    item = UploadItem(
        filename="a.jpg", content_type="image/jpeg", size=len(data), sha256=hashlib.sha256(data).hexdigest()
    )
    (answer,) = announce_uploads.sync(client=ada, body=UploadRequest(items=[item])).items
    assert answer.state == "upload"
    posted = httpx.post(answer.post.url, data=answer.post.fields.to_dict(), files={"file": data})
    assert posted.status_code == 204, posted.text
    assert get_image.sync(answer.image_id, client=ada).status == "pending"

    wrong = announce_uploads.sync(
        client=ada,
        body=UploadRequest(items=[UploadItem(filename="a.jpg", content_type="image/jpeg", size=0, sha256="x")]),
    )
    assert isinstance(wrong, Problem)
    assert {field.field for field in wrong.errors} >= {"items.0.sha256"}, wrong.errors


def be_told(ada: AuthenticatedClient, password: str) -> None:
    """A webhook's secret, and the look at a signature that it is for (Standard Webhooks)."""
    proof = give_proof.sync(client=ada, body=Proof(password=password)).proof
    # An address, for the vault looks names up, and there may be no name server here.
    wanted = NewWebhook(url="https://93.184.216.34/hooks", events=[NewWebhookEventsItem.IMAGE_READY], proof=proof)
    made = create_webhook.sync(client=ada, body=wanted)
    rotated = rotate_webhook_secret.sync(made.webhook.id, client=ada, body=Rotation(proof=proof))
    assert rotated.webhook.both_sign_until is not None
    assert rotated.secret != made.secret

    refused = create_api_key.sync_detailed(
        client=ada, body=NewKey(name="A frame", scopes=[NewKeyScopesItem.PHOTOSREAD], password="something else")
    )
    assert refused.status_code == 401
    assert refused.parsed.type_.endswith("/password-wrong"), refused.parsed
    key_body = NewKey(name="A frame", scopes=[NewKeyScopesItem.PHOTOSREAD], password=password)
    frame = AuthenticatedClient(base_url=ada._base_url, token=create_api_key.sync(client=ada, body=key_body).secret)
    assert isinstance(list_images.sync(client=frame, limit=1), PageImage)

    key = base64.b64decode(made.secret.removeprefix("whsec_"))
    signed_at, said = str(int(time.time())), '{"type":"image.ready"}'
    signed = f"msg_1.{signed_at}.{said}".encode()
    signature = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    print("all of it", made.secret, signed_at, said, signature)


if __name__ == "__main__":
    main()
