"""A few hundred stormy days must end with every cent where the shop's rows say it is."""

import os

import pytest

from tests.storm.run import play_many

DAYS = int(os.environ.get("STORM_DAYS", "300"))
BATCH = min(DAYS, 100)
MUST_HAPPEN = {
    "crash",
    "freeze",
    "locked",
    "charge succeeded",
    "charge refused",
    "refund succeeded",
    "refund refused",
    "cancel succeeded",
    "fault after:drop",
    "fault before:drop",
    "fault late:drop",
}
"""A storm in which one of these is missing would prove too little."""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", range(0, DAYS, BATCH))
def test_after_a_storm_every_cent_is_where_our_rows_say(first):
    wrong, seen = play_many(first, BATCH)
    assert not wrong, "\n".join(map(str, wrong))
    assert set(seen) >= MUST_HAPPEN
