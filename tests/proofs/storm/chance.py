"""One source of chance for a day: what the package and the local Voucher Cloud draw at random follows from the seed.

Ids decide the order of rows, and the instant at which a token is renewed decides which call fails: with those of the
operating system the same seed would play another day each time.
"""

import secrets
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from random import Random
from unittest import mock

from voucher_payment_gateway.api import _tokens

__all__ = ["one_chance"]


@contextmanager
def one_chance(seed: int) -> Iterator[None]:
    """Draw ids, references, codes and the renewal of tokens from ``seed``; ``shared_time`` draws the rest."""
    drawn = Random(f"chance {seed}")

    def token_hex(size: int = 32) -> str:
        return drawn.randbytes(size).hex()

    def random_id() -> uuid.UUID:
        return uuid.UUID(int=drawn.getrandbits(128), version=4)

    with ExitStack() as patches:
        patches.enter_context(mock.patch.object(_tokens, "_RANDOM", drawn))
        for name, draw in (("token_hex", token_hex), ("token_urlsafe", token_hex), ("choice", drawn.choice)):
            patches.enter_context(mock.patch.object(secrets, name, draw))
        patches.enter_context(mock.patch.object(uuid, "uuid4", random_id))
        yield
