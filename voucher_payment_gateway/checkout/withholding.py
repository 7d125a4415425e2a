"""Take code and PIN out of a request once they are read: error trackers send the body of the request that failed.

Django's request keeps the body in several places, and a request of Django REST framework wraps it and keeps two more.
"""

import json
from collections.abc import Callable, Collection, Iterator
from io import BytesIO
from typing import Any

from django.http import HttpRequest, QueryDict

from voucher_payment_gateway.codes import tidy
from voucher_payment_gateway.opaque import Opaque, strip_traceback
from voucher_payment_gateway.sealing import Secret

__all__ = ["layers_of", "withhold"]

SHORTEST_CERTAIN = 4
"""Minimum length at which a value that equals the code or PIN is taken for it; a shorter one may be a quantity."""


def layers_of(request: Any) -> Iterator[Any]:
    """Yield the request and, where it wraps Django's own as that of Django REST framework does, the one inside."""
    while request is not None:
        yield request
        request = getattr(request, "_request", None)


@strip_traceback
def withhold(request: HttpRequest, secret: Secret, *, names: Collection[str] = ()) -> Callable[[], None]:
    """Empty every field of the request that equals the code or the PIN, or has one of these ``names``, in all that was
    read of it. Other fields stay, such as the answer of a captcha.

    Return a function that puts everything back.
    """
    conceal = Concealment(secret, names)
    before: list[tuple[Any, str, Any]] = []
    for layer in layers_of(request):
        for place, concealed in conceal.places(layer):
            before.append((layer, place, getattr(layer, place)))
            setattr(layer, place, concealed)

    def put_back() -> None:
        for layer, place, value in before:
            setattr(layer, place, value)

    return put_back


class Concealment:
    """Replaces what equals a code or a PIN."""

    def __init__(self, secret: Secret, names: Collection[str]) -> None:
        self._secret = secret
        self._names = names

    def places(self, request: Any) -> Iterator[tuple[str, Any]]:
        """Yield each attribute of a request that holds what was read of the body, with its new value."""
        held = vars(request)
        for place in ("_post", "_data", "_full_data"):
            if isinstance(held.get(place), dict | list):
                yield place, self._fields(held[place])
        if "_body" in held:
            body = self._body(request)
            yield "_body", body
            yield "_stream", BytesIO(body)

    def _fields(self, fields: Any) -> Any:
        if isinstance(fields, QueryDict):
            return self._query(fields)
        try:
            return self._value("", fields)
        except RecursionError:  # too deep to be meant
            return {}

    def _value(self, name: str, value: Any) -> Any:
        """Return a field's value, or all the fields in it, with what is secret replaced by an empty text."""
        if isinstance(value, dict):
            return {each: self._value(str(each), inner) for each, inner in value.items()}
        if isinstance(value, list):
            return [self._value(name, inner) for inner in value]
        return "" if name in self._names or self._equals(name, value) else value

    def _query(self, fields: QueryDict) -> QueryDict:
        kept = QueryDict(mutable=True, encoding=fields.encoding)
        for name, values in fields.lists():
            kept.setlist(name, self._value(name, values))
        kept._mutable = fields._mutable
        return kept

    def _body(self, request: HttpRequest) -> bytes:
        kind = str(request.content_type)
        try:
            if kind == "application/x-www-form-urlencoded":
                return self._query(QueryDict(request.body, encoding="utf-8")).urlencode().encode()
            if kind.endswith(("/json", "+json")):
                return json.dumps(self._fields(json.loads(request.body))).encode()
        except (ValueError, RecursionError):
            pass  # nothing of a body that cannot be read is kept
        return b""

    def _equals(self, name: str, value: object) -> bool:
        if not isinstance(value, str | int):
            return False
        text = tidy(str(value)).casefold()
        is_same = text in (_plain(self._secret.code), _plain(self._secret.pin))
        return is_same and (len(text) >= SHORTEST_CERTAIN or name.casefold().strip("_-").endswith("pin"))


def _plain(secret: Opaque) -> str:
    return tidy(str(secret.reveal())).casefold()
