"""Storms: seeded days of a shop under faults, crashes, frozen workers and other tills, judged by the cloud's books.

python -m tests.proofs.storm.run --days 10000      as many days as wanted, from seed 0
python -m tests.proofs.storm.day 17                one day again, with its story
python -m tests.proofs.storm.mutants               planted bugs, each of which must be caught
"""
