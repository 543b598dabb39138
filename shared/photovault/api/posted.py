"""A photo that comes through the API itself, as the field ``file`` of a multipart form."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile

from photovault.api import edge
from photovault.errors import Invalid, TooLarge

# What a route declares as its ``openapi_extra``. The form is no parameter of the route: FastAPI would read it before it
# asks who sends it.
FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}


async def photo(request: Request, *, otherwise: str) -> tuple[bytes, str]:
    """The bytes and the name. ``otherwise`` tells of another way for larger files.

    Raises ``Invalid`` for a form without a file or an empty one, ``TooLarge``.
    """
    most = edge.upload_limit()
    async with request.form(max_files=1, max_fields=20) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Invalid("Send the photo as the field `file` of a multipart form.", [("file", "is missing")])
        data, name = await file.read(most + 1), file.filename
    if len(data) > most:
        raise TooLarge(f"Through the API a photo may have at most {most} bytes. {otherwise}")
    if not data:
        raise Invalid("The file is empty.", [("file", "has no bytes")])
    return data, name or "photo"
