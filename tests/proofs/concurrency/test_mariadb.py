"""The same rounds on the MariaDB or MySQL that ``DATABASE_URL`` names."""

import os

import pytest
from django.db import connection

from tests.proofs.concurrency.test_concurrency import play

if connection.vendor == "mysql":

    @pytest.mark.parametrize(
        ("scenario", "rounds"),
        [
            ("one_order", 5),
            ("one_voucher", 1),
            ("confirmations", 1),
            ("capture_against_settle", 1),
            ("settlers", 1),
        ],
    )
    def test_each_charge_is_made_once_on_mariadb(scenario, rounds, figures):
        play(scenario, int(os.environ.get("PARALLEL_ROUNDS") or rounds), os.environ["DATABASE_URL"], figures)
