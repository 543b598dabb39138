"""Answers about bytes of a known length that never change: whole, in part, or not at all (RFC 9110, 13 and 14)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fastapi import HTTPException, Request
from fastapi.responses import Response, StreamingResponse

from photovault.api import edge
from photovault.api.headers import conditions


def serve(
    request: Request,
    *,
    size: int,
    etag: str,
    media_type: str,
    headers: dict[str, str],
    pieces: Callable[[int, int], Iterator[bytes]],
    lend: Callable[[], str],
) -> Response:
    """The answer to a GET or HEAD. ``pieces(start, stop)`` gives the bytes, and is not asked where none are sent.

    The first piece is fetched before the status is sent, so that what cannot be read is a problem; what fails later
    breaks the connection off, short of the length that was announced. In the cloud, whole answers beyond the gateway's
    limit are a redirection to the address that ``lend`` makes, and parts are cut to it, as a server may.

    Raises ``RangeNotSatisfiable``, HTTPException (412), and what ``pieces`` and ``lend`` raise.
    """
    headers = headers | {"ETag": etag, "Accept-Ranges": "bytes"}
    asked = conditions(request.headers.getlist)
    if asked.fails(etag):
        raise HTTPException(412, "What is here is not what If-Match names.")
    if asked.is_current(etag):
        return Response(status_code=304, headers=headers)
    if request.method == "HEAD":  # ranges are for GET alone
        return Response(headers=headers | {"Content-Length": str(size)}, media_type=media_type)
    part = asked.part(etag, size)
    start, stop = part or (0, size)
    if edge.in_cloud() and stop - start > edge.LARGEST_BODY_IN_CLOUD:
        if part is None:
            return Response(status_code=303, headers={"Location": lend(), "Cache-Control": "no-store"})
        stop = start + edge.LARGEST_BODY_IN_CLOUD
    status = 200 if part is None else 206
    headers["Content-Length"] = str(stop - start)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    if edge.in_cloud():  # the gateway takes an answer in one piece, so whatever fails can still be told
        return Response(b"".join(pieces(start, stop)), status_code=status, headers=headers, media_type=media_type)
    return StreamingResponse(_begun(pieces(start, stop)), status_code=status, headers=headers, media_type=media_type)


def _begun(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces, the first of which is there."""
    first = next(pieces, b"")

    def all_of_them() -> Iterator[bytes]:
        yield first
        yield from pieces

    return all_of_them()
