"""The body of a response as it arrives: bounded in time and in size, before and after decompression."""

import zlib
from collections.abc import Iterable

from voucher_payment_gateway.api._steps import Answer, Deadline

MAX_BODY_BYTES = 1024 * 1024

Headers = Iterable[tuple[bytes, bytes]]


class OversizedBodyError(Exception):
    """The body is longer than any response of this API."""


class UndecodableBodyError(Exception):
    """The body is corrupt, or in an encoding that was not asked for."""


class DrippingBodyError(Exception):
    """The body was still arriving at the deadline."""


class Body:
    """Takes the chunks of one response, and makes its answer of them."""

    def __init__(self, status: int, headers: Headers, deadline: Deadline) -> None:
        found: dict[bytes, list[str]] = {b"content-encoding": [], b"retry-after": []}
        for name, value in headers:
            if (name := name.lower()) in found:
                found[name].append(value.decode("latin-1"))
        self._status = status
        self._retry_after = ", ".join(found[b"retry-after"]).strip()
        self._deadline = deadline
        self._late = False
        self._came = 0
        self._read = bytearray()
        self._inflate = _decoder(", ".join(found[b"content-encoding"]))

    def add(self, chunk: bytes) -> None:
        if self._late:
            raise DrippingBodyError
        # The received bytes count too: an endless stream may decompress to nothing.
        self._came += len(chunk)
        self._read += chunk if self._inflate is None else self._unpacked(self._inflate, chunk)
        if max(self._came, len(self._read)) > MAX_BODY_BYTES:
            raise OversizedBodyError
        self._late = self._deadline.remaining_seconds() <= 0

    def answer(self) -> Answer:
        if self._inflate is not None and not self._inflate.eof:
            raise UndecodableBodyError
        return Answer(self._status, bytes(self._read), self._retry_after)

    def _unpacked(self, inflate: "zlib._Decompress", chunk: bytes) -> bytes:
        plain = inflate.decompress(chunk, MAX_BODY_BYTES + 1)
        if inflate.unused_data:  # bytes after the end of the stream are not checked by it
            raise UndecodableBodyError
        return plain


def _decoder(encoding: str) -> "zlib._Decompress | None":
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return None
    if name in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(wbits=47)
    raise UndecodableBodyError
