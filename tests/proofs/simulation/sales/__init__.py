"""The sales of a simulated day: gift vouchers are sold, paid late or never, taken back, topped up, given in place of a
refund. Each day draws them from a random stream of its own, beside the payments of the same seed.

``remote`` models the vouchers of the Voucher Cloud, ``orders`` what the shop wants of each order. ``steps``,
``take_back``, ``outcome`` and ``shop`` execute operations of sales as the gateway does, on ``rows`` in memory, and ask
``voucher_payment_gateway.rules`` for every decision. ``oracle`` counts vouchers and cents in the remote's books.

python -m tests.proofs.simulation.sales.day 17         replay the sales of one day, with their story
python -m tests.proofs.simulation.sales.mutants        one rule dropped at a time; each mutant must be caught
"""
