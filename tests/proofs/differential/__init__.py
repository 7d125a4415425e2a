"""The simulation's gateway against the shipped one: the same schedules of calls, faults, crashes and time, drawn from
seeds, played through both; afterwards every operation, every payment and every cent must be equal.

``schedule`` draws what is asked for and when, ``fates`` what becomes of each call, ``standing`` what no schedule asks
for. ``simulated`` plays a schedule on ``tests.proofs.simulation`` (``amended``: what the simulation does otherwise than
the shipped gateway), ``shipped`` on the real ORM with the real client and the local Voucher Cloud. ``compare`` plays
both and compares; ``deviations`` plants differences that must be found.

python -m tests.proofs.differential.run --schedules 1000     as many schedules as wanted, from seed 0
python -m tests.proofs.differential.compare 17               one schedule again, side by side
"""
