"""A day with the client that a generator makes of the OpenAPI document: ``smoke_client.py BASE PHOTO_ID < token``.

test_generated_client.py runs it in the generator's own environment, which has nothing of this project.
"""

from __future__ import annotations

import sys
from uuid import UUID, uuid4

from photo_vault_client import AuthenticatedClient, Client
from photo_vault_client.api.albums import create_album, list_album_images, list_albums
from photo_vault_client.api.auth import log_in, sign_up, verify
from photo_vault_client.api.images import announce_uploads, edit_image, get_image, list_images
from photo_vault_client.api.search import search, suggest
from photo_vault_client.models import (
    ImageEdit,
    ImageStatus,
    LogIn,
    ManualAlbum,
    PageAlbumImage,
    PageImage,
    Problem,
    SearchPage,
    SignUp,
    UploadItem,
    UploadRequest,
)


def main() -> None:
    base, photo = sys.argv[1], UUID(sys.argv[2])
    token = sys.stdin.read().strip()

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
    assert isinstance(get_image.sync(photo, client=mia), Problem), "somebody else's photo"

    ada = AuthenticatedClient(base_url=base, token=token)
    page = list_images.sync(client=ada, limit=1)
    assert isinstance(page, PageImage)
    assert [image.id for image in page.items] == [photo]
    assert page.items[0].status is ImageStatus.READY
    edited = edit_image.sync(photo, client=ada, body=ImageEdit(caption="the first coffee", favourite=True))
    assert (edited.caption, edited.favourite) == ("the first coffee", True)

    album = create_album.sync(client=ada, body=ManualAlbum(title="Mornings", image_ids=[photo]))
    assert album.title == "Mornings"
    assert "Mornings" in {listed.title for listed in list_albums.sync(client=ada).items}
    inside = list_album_images.sync(album.id, client=ada)
    assert isinstance(inside, PageAlbumImage)
    assert [image.id for image in inside.items] == [photo]

    found = search.sync(client=ada, q="coffee")
    assert isinstance(found, SearchPage)
    assert [hit.image.id for hit in found.items] == [photo]
    assert suggest.sync(client=ada, q="morn").items[0].value == "Mornings"

    wrong = announce_uploads.sync(
        client=ada,
        body=UploadRequest(items=[UploadItem(filename="a.jpg", content_type="image/jpeg", size=0, sha256="x")]),
    )
    assert isinstance(wrong, Problem)
    assert {field.field for field in wrong.errors} >= {"items.0.sha256"}, wrong.errors
    print("all of it")


if __name__ == "__main__":
    main()
