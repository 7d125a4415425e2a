"""Model-based simulation of the rules about orders: seeded orders over weeks, without Django, network or database.

``remote`` models the Voucher Cloud in integer cents; its calls are exact, since faults are played by ``simulation``.
``lives`` are the orders of a ``shop`` (``buying``, ``shipping``, returns); ``day`` lets tills, sweeps and other orders
come between, and ``restore`` a database that remembers the same past. The gateway on rows in memory is ``holds``,
``checkout``, ``confirmation``, ``charges``, ``captures``, ``returns`` and ``sweep``; it asks
``voucher_payment_gateway.rules`` for every decision that is there. ``oracle`` judges each order and each voucher.

python -m tests.proofs.orders.run --days 20000     any number of days, from seed 0
python -m tests.proofs.orders.day 17               replay one day, with its story
python -m tests.proofs.orders.mutants              one rule dropped at a time; each mutant must be caught
"""
