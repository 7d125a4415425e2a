"""Fault injection: seeded days of a shop with faults, crashes, frozen workers and another shop's till. An oracle
compares the result with the Voucher Cloud's books.

python -m tests.proofs.storm.run --days 10000      any number of days, from seed 0
python -m tests.proofs.storm.day 17                replay one day, with its story
python -m tests.proofs.storm.mutants               one rule broken at a time; each mutant must be caught
"""
