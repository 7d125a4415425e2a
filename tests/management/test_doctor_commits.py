"""The doctor tells of settings with which a crash undoes what was committed: that a charge was being sent."""

import pytest
from django.db import connection, connections

from voucher_payment_gateway.management.doctor.commits import (
    commit_findings,
    mysql_findings,
    postgresql_findings,
    sqlite_findings,
)

SAFE = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "synchronous_standby_names": "",
}
STANDBY = {"synchronous_standby_names": "one"}


def told(findings):
    return [(finding.check, finding.state, finding.text.partition(":")[0]) for finding in findings]


@pytest.mark.parametrize(
    "changes", [{}, {"synchronous_commit": "local"}, {"synchronous_commit": "remote_write"}, STANDBY]
)
def test_commits_of_postgresql_that_last_are_not_told_of(changes):
    assert told(postgresql_findings(SAFE | changes)) == []


@pytest.mark.parametrize(
    ("changes", "state", "setting"),
    [
        ({"fsync": "off"}, "trouble", "fsync is off"),
        ({"full_page_writes": "off"}, "warning", "full_page_writes is off"),
        ({"synchronous_commit": "off"}, "warning", "synchronous_commit is off"),
        ({"synchronous_commit": "local", **STANDBY}, "warning", "synchronous_commit is local"),
        ({"synchronous_commit": "remote_write", **STANDBY}, "warning", "synchronous_commit is remote_write"),
    ],
)
def test_commits_of_postgresql_that_may_be_undone_are_told_with_their_cure(changes, state, setting):
    (finding,) = postgresql_findings(SAFE | changes)
    assert told([finding]) == [("commits", state, setting)]
    assert f"set {setting.split()[0]} = on" in finding.text


def test_commits_of_mysql_that_may_be_undone_are_told_with_their_cure():
    assert told(mysql_findings(1)) == []
    for flushes in (0, 2):
        (finding,) = mysql_findings(flushes)
        assert finding.state == "trouble"
        assert "innodb_flush_log_at_trx_commit" in finding.text
        assert "set it to 1" in finding.text


@pytest.mark.parametrize(
    ("synchronous", "journal_mode", "state", "setting"),
    [
        (0, "wal", "trouble", "PRAGMA synchronous is OFF"),
        (0, "delete", "trouble", "PRAGMA synchronous is OFF"),
        (1, "wal", "warning", "PRAGMA synchronous is NORMAL"),
        (2, "memory", "trouble", "PRAGMA journal_mode is memory"),
        (2, "off", "trouble", "PRAGMA journal_mode is off"),
    ],
)
def test_commits_of_sqlite_that_may_be_undone_are_told_with_their_cure(
    synchronous, journal_mode, state, setting
):
    (finding,) = sqlite_findings(synchronous, journal_mode)
    assert told([finding]) == [("commits", state, setting)]
    assert "init_command" in finding.text


@pytest.mark.parametrize("journal_mode", ["delete", "truncate", "persist"])
@pytest.mark.parametrize("synchronous", [1, 2, 3])
def test_commits_of_sqlite_that_last_are_not_told_of(synchronous, journal_mode):
    assert told(sqlite_findings(synchronous, journal_mode)) == []
    assert told(sqlite_findings(max(synchronous, 2), "wal")) == []


if connection.vendor == "sqlite":

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize(("level", "count"), [("OFF", 1), ("NORMAL", 1), ("FULL", 0), ("EXTRA", 0)])
    def test_a_file_is_asked_for_its_settings(level, count):
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA synchronous = {level}")
        try:
            assert len(list(commit_findings(connection))) == count
        finally:
            connection.close()

    def test_a_database_in_memory_promises_nothing(db):
        other = connections.create_connection("default")
        other.settings_dict = {**other.settings_dict, "NAME": ":memory:"}
        assert list(commit_findings(other)) == []

else:

    def test_a_server_is_asked_for_its_settings(db):
        with connection.cursor() as cursor:
            cursor.execute("SHOW fsync")
            fsync = cursor.fetchone()[0]
        found = [finding.text for finding in commit_findings(connection)]
        assert any(text.startswith("fsync is off") for text in found) == (fsync == "off")
