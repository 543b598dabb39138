"""A plain client of the API, as a user might write it: sign up, upload straight to the storage, wait, look."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx

from photovault import sealing

PATIENCE_SECONDS = 90
PASSWORD = "password123"


@dataclass
class Client:
    """One person at one base URL (uvicorn's or the gateway's)."""

    base: str
    headers: dict[str, str] = field(default_factory=dict)
    user_id: UUID | None = None
    refresh_token: str = ""

    @classmethod
    def sign_up(cls, base: str, email: str | None = None) -> Client:
        client = cls(base)
        answer = client.post(
            "/auth/signup",
            {"email": email or f"{uuid4().hex}@example.com", "password": PASSWORD, "name": "Ada"},
        )
        assert answer.status_code == 201, answer.text
        body = answer.json()
        client.user_id, client.refresh_token = UUID(body["user"]["id"]), body["refresh_token"]
        client.headers["Authorization"] = f"Bearer {body['access_token']}"
        return client

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.send("GET", path, **options)

    def post(self, path: str, body: object = None, **options: Any) -> httpx.Response:
        return self.send("POST", path, **({"json": body} if body is not None else {}), **options)

    def send(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """One request on a connection of its own."""
        return httpx.request(
            method, self.base + path, headers={**self.headers, **(headers or {})}, timeout=60, **options
        )

    def json(self, path: str, **parameters: Any) -> Any:
        answer = self.get(path, params=parameters)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def items(self, path: str, **parameters: Any) -> list[dict[str, Any]]:
        """All pages of a list."""
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            page = self.json(path, **parameters, **({"cursor": cursor} if cursor else {}))
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def announce(
        self, files: Mapping[str, bytes], content_type: str = "image/jpeg", *, sealed: bool = False
    ) -> list[dict[str, Any]]:
        answer = self.post(
            "/images/uploads",
            {
                "sealed": sealed,
                "items": [
                    {
                        "filename": name,
                        "content_type": content_type,
                        "size": len(data),
                        "sha256": hashlib.sha256(data).hexdigest(),
                    }
                    for name, data in files.items()
                ],
            },
        )
        assert answer.status_code == 201, answer.text
        announced: list[dict[str, Any]] = answer.json()["items"]
        return announced

    def upload(
        self, files: Mapping[str, bytes], content_type: str = "image/jpeg", *, sealed: bool = False
    ) -> dict[str, str]:
        """Announce and post, sealed or as they are; returns the photo's id by file name."""
        ids = {}
        for (name, data), item in zip(files.items(), self.announce(files, content_type, sealed=sealed), strict=True):
            if item["post"]:
                self.post_form(item["post"], self.seal(item["seal"], data) if sealed else data)
            ids[name] = item["image_id"]
        return ids

    @staticmethod
    def seal(seal: Mapping[str, Any], data: bytes) -> bytes:
        """What any client does with the key of a sealed upload."""
        address = sealing.Address(UUID(seal["user_id"]), UUID(seal["image_id"]), seal["name"])
        return sealing.seal(data, key=base64.urlsafe_b64decode(seal["key"]), address=address)

    def post_form(self, post: Mapping[str, Any], data: bytes) -> None:
        answer = httpx.post(post["url"], data=post["fields"], files={"file": data}, timeout=60)
        assert answer.status_code in {200, 201, 204}, answer.text

    def wait(self, count: int, *, patience: float = PATIENCE_SECONDS) -> dict[str, dict[str, Any]]:
        """Until so many photos are ready or rejected; the photos by file name."""
        deadline = time.monotonic() + patience
        while True:
            photos = self.items("/images/list", limit=200)
            finished = [photo for photo in photos if photo["status"] in {"ready", "rejected"}]
            if len(finished) >= count:
                return {photo["filename"]: photo for photo in finished}
            assert time.monotonic() < deadline, f"{len(finished)} of {count} finished"
            time.sleep(0.1)

    def wait_for_albums(self, *, patience: float = PATIENCE_SECONDS) -> None:
        """Until a rebuild that is asked for now is done."""
        job = self.post("/albums/auto-generate", {}).json()["job_id"]
        deadline = time.monotonic() + patience
        while (state := self.json(f"/jobs/{job}")["state"]) != "done":
            assert state != "failed"
            assert time.monotonic() < deadline, "the albums were not rebuilt"
            time.sleep(0.1)

    def open_ticket(self, image_id: str, ticket: Mapping[str, Any]) -> bytes:
        """What any client does with a ticket: fetch the ciphertext, open it with the ticket's own key."""
        assert self.user_id
        answer = httpx.get(ticket["url"], timeout=30)
        assert answer.status_code == 200, answer.text
        return sealing.unseal(
            answer.content,
            key=base64.urlsafe_b64decode(ticket["key"]),
            address=sealing.Address(self.user_id, UUID(image_id), ticket["name"]),
            header_sha256=bytes.fromhex(ticket["header_sha256"]),
        )
