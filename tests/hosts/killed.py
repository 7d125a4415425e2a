"""Processes that do one thing and are killed on the way: at a crash point of the gateway, or at a save of a row of the
host. They are forked from one that has only imported the module of the victim."""

import multiprocessing
import os
import signal

from django.conf import settings
from django.db import connection
from django.db.models.signals import pre_save
from django.test import override_settings

from tests.proofs.crash.killer import watched
from tests.proofs.crash.points import NAMES, Passing

__all__ = ["Processes", "pass_points"]


class Processes:
    """``victim`` is the name of a module that sets Django up and imports what its processes need."""

    def __init__(self, victim):
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload([victim])

    def run(self, target, *arguments):
        """Call ``target`` with the name of the database, the arguments and a pipe in a process of its own. Return the
        points that it passed, or None if it was killed."""
        here, there = self.context.Pipe(duplex=False)
        name = str(connection.settings_dict["NAME"])
        process = self.context.Process(target=target, args=(name, *arguments, there))
        process.start()
        there.close()
        try:
            return here.recv()
        except EOFError:
            process.join()
            assert process.exitcode == -signal.SIGKILL
            return None
        finally:
            here.close()
            process.join()
            process.close()


def pass_points(act, models, database, base_url, crash_at, to_parent):
    """Run ``act``, and send what was passed: the gateway's crash points, and ``Order.1`` for the first save of a row of
    the host's model ``Order``. The process is killed at ``crash_at``."""
    connection.settings_dict["NAME"] = database
    saves = []

    def saving(sender, **_):
        saves.append(sender.__name__)
        if crash_at == f"{sender.__name__}.{saves.count(sender.__name__)}":
            os.kill(os.getpid(), signal.SIGKILL)

    for model in models:
        pre_save.connect(saving, sender=model, weak=False)
    point = Passing.read(crash_at) if crash_at.partition(".")[0] in NAMES else None
    gateway = {**settings.VOUCHER_PAYMENT_GATEWAY, "BASE_URL": base_url}
    with override_settings(VOUCHER_PAYMENT_GATEWAY=gateway), watched(point) as points:
        act()
    places = [f"{name}.{time + 1}" for name in dict.fromkeys(saves) for time in range(saves.count(name))]
    to_parent.send([*dict.fromkeys(each.point for each in points), *places])
    to_parent.close()
