"""Statements that are composed once: the ORM takes longer to compose a statement than the database takes to run it.

The ORM stays the source: it composes each statement for each database, nothing is written by hand, and a value is
adapted by its field as ever. Each class has one way to run what it keeps, and leaves to the ORM what it cannot keep.
"""

from voucher_payment_gateway.models.compiled.insert import CompiledInsert
from voucher_payment_gateway.models.compiled.query import CompiledQuery
from voucher_payment_gateway.models.compiled.update import CompiledUpdate

__all__ = ["CompiledInsert", "CompiledQuery", "CompiledUpdate"]
