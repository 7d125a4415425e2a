"""Model-based simulation of the rules about money: seeded days of a shop, without Django, network or database.

``remote`` models the Voucher Cloud in integer cents, ``faults`` injects faults, ``till_and_clerk`` are other users.
``client``, ``resolver`` and ``shop`` execute operations as the gateway does (write ahead, send, record), on rows in
memory, and ask ``voucher_payment_gateway.rules`` for every decision. ``oracle`` compares with the remote's books.
``sales`` plays the sales of vouchers of the same days.

python -m tests.proofs.simulation.run --days 20000     any number of days, from seed 0; --sales: of their sales
python -m tests.proofs.simulation.day 17               replay one day, with its story
python -m tests.proofs.simulation.mutants              one rule dropped at a time; each mutant must be caught
"""
