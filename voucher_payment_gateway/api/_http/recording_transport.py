"""Record answer details that the client does not expose: the status of a success, the error codes of fields."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

__all__ = ["RecordingTransport"]

CODE = re.compile(r"[A-Z0-9_.:-]{1,100}")
MAX_DOCUMENT_BYTES = 65536


class RecordingTransport(httpx.BaseTransport):
    """Wraps another transport; it can also add fields to requests."""

    def __init__(self, inner: httpx.BaseTransport | None = None) -> None:
        self._inner = inner or httpx.HTTPTransport(trust_env=False)
        self._added: dict[str, str] = {}
        self.post_statuses: set[int] = set()
        """The statuses of successful POSTs to the API, the token request left out."""
        self.field_codes: frozenset[str] = frozenset()
        """The codes below ``errors`` in the last answer."""

    @contextmanager
    def adding(self, **fields: str) -> Iterator[None]:
        """Add fields to the body of every POST inside the context."""
        self._added = fields
        try:
            yield
        finally:
            self._added = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        is_api_post = request.method == "POST" and "Authorization" in request.headers
        if self._added and is_api_post:
            request = _with(request, self._added)
        answer = self._inner.handle_request(request)
        self.field_codes = frozenset()
        if is_api_post and answer.is_success:
            self.post_statuses.add(answer.status_code)
        length = answer.headers.get("Content-Length", "")
        if answer.is_client_error and length.isdigit() and int(length) <= MAX_DOCUMENT_BYTES:
            return self._read(answer)
        return answer

    def close(self) -> None:
        self._inner.close()

    def _read(self, answer: httpx.Response) -> httpx.Response:
        """Read an error document and pass on the same answer."""
        assert isinstance(answer.stream, httpx.SyncByteStream)  # noqa: S101
        body = b"".join(answer.stream)
        answer.close()
        self.field_codes = _field_codes(body)
        return httpx.Response(answer.status_code, headers=answer.headers.raw, stream=httpx.ByteStream(body))


def _with(request: httpx.Request, fields: dict[str, str]) -> httpx.Request:
    content = json.dumps({**json.loads(request.content), **fields}).encode()
    headers = [pair for pair in request.headers.multi_items() if pair[0] != "content-length"]
    return httpx.Request(
        request.method, request.url, headers=headers, content=content, extensions=request.extensions
    )


def _field_codes(body: bytes) -> frozenset[str]:
    try:
        document = json.loads(body)
    except ValueError:
        return frozenset()
    rows = document.get("errors") if isinstance(document, dict) else None
    codes = [row.get("code") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return frozenset(code for code in codes if isinstance(code, str) and CODE.fullmatch(code))
