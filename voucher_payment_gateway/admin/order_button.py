"""A button on the clerk's pages. Those that lead to an action are made by ``actions.buttons``."""

from dataclasses import dataclass
from typing import Any

__all__ = ["OrderButton"]


@dataclass(frozen=True)
class OrderButton:
    """A button on the page of an order, a payment or a sale: a link to where it is confirmed."""

    title: Any
    address: str
