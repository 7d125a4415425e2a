"""The schedules of the documentation: Celery's beat plays its own, and systemd reads the units."""

import re
import shutil
import subprocess
import sys

import pytest
from celery import Celery
from celery.beat import Scheduler
from django.core.management import get_commands

from tests.docs.pages import DOCS, all_pages, blocks

PAGE = DOCS / "how-to/run-in-the-background.md"


@pytest.fixture
def app(shop):
    """The app of the page, with the settings of the page, and its broker in memory."""
    (module,) = [block for block in blocks(PAGE) if block.option("file") == "shop_project/celery.py"]
    settings = next(block for block in blocks(PAGE) if block.option("append") == "shop_project/settings.py")
    names, given = {"__name__": "shop_project.celery"}, {}
    exec(module.text, names)
    exec(settings.text, given)
    app = names["app"]
    app.conf.update(
        beat_schedule=given["CELERY_BEAT_SCHEDULE"], broker_url="memory://", task_always_eager=True
    )
    app.loader.import_default_modules()  # as a worker does when it starts: the tasks are discovered
    yield app
    app.close()
    Celery("nothing").set_default()


def test_each_entry_of_the_beat_schedule_runs_a_task_of_ours(app):
    scheduler = Scheduler(app, lazy=True)
    scheduler.setup_schedule()
    ours = [entry for name, entry in scheduler.schedule.items() if "gift vouchers" in name]
    assert sorted(entry.task.rpartition(".")[2] for entry in ours) == ["reconcile", "settle"]
    for entry in ours:
        result = scheduler.apply_async(entry, advance=False)
        assert result.successful(), result.result


def units():
    """The services of all pages, each with the timer that follows it on its page."""
    for path in all_pages():
        texts = [block.text for block in blocks(path) if block.language == "ini"]
        for number, text in enumerate(texts):
            if "[Service]" in text:
                timer = next((each for each in texts[number + 1 : number + 2] if "[Timer]" in each), "")
                yield pytest.param(text, timer, id=f"{path.stem}-{number}")


@pytest.mark.parametrize(("service", "timer"), list(units()))
def test_systemd_takes_the_units_of_the_documentation(service, timer, tmp_path):
    """Where ``systemd-analyze`` is installed, it reads them. A command of ours that they start exists in any case."""
    started = re.findall(
        r"^ExecStart=(?:/srv/shop/\S+/python manage\.py (\w+)|/usr/bin/curl )", service, re.MULTILINE
    )
    assert len(started) == 1
    assert started[0] in {"", *get_commands()}
    if shutil.which("systemd-analyze") is None:
        return
    there = service.replace("/srv/shop/.venv/bin/python", sys.executable).replace("/srv/shop", str(tmp_path))
    (tmp_path / "shop.service").write_text(re.sub("^User=.*\n", "", there, flags=re.MULTILINE))
    units = [tmp_path / "shop.service"]
    if timer:
        units.append(tmp_path / "shop.timer")
        units[1].write_text(timer)
    verify = ["systemd-analyze", "verify", "--man=no", *map(str, units)]
    done = subprocess.run(verify, capture_output=True, text=True)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "shop." in line]) == (0, [])
