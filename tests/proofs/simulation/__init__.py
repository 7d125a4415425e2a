"""The rules about money, simulated without Django, network or database: days of a shop, drawn from seeds.

``remote`` models the Voucher Cloud in integer cents, ``weather`` what goes wrong, ``others`` a till and a clerk.
``client``, ``verbs``, ``resolver`` and ``sweep`` carry out the three beats as the gateway does, on rows in memory, and
ask ``voucher_payment_gateway.rules`` for every decision. ``oracle`` compares with the remote's books.

python -m tests.proofs.simulation.run --days 20000     as many days as wanted, from seed 0
python -m tests.proofs.simulation.day 17               one day again, with its story
python -m tests.proofs.simulation.mutants              rules dropped one by one, each of which must be caught
"""
