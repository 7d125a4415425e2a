"""Someone who follows a page to the letter: writes its files, types its commands, uses its pages in a browser."""

import doctest
import html
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urljoin

import httpx

from tests.docs.pages import Block

PATIENCE_SECONDS = 30
FORM = re.compile(r"<form\b(?P<tag>[^>]*)>(?P<body>.*?)</form>", re.DOTALL)
FIELD = re.compile(r"<input\b([^>]*)>")
ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
SESSION = """
import doctest, os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "teashop.settings")
import django
django.setup()
options = doctest.ELLIPSIS | doctest.REPORT_ONLY_FIRST_FAILURE
sys.exit(doctest.testfile(sys.argv[1], module_relative=False, optionflags=options).failed)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Newcomer:
    """Works in ``folder``; ports of the page are exchanged for free ones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cloud_port, self.shop_port = free_port(), free_port()
        self.programs: list[subprocess.Popen[bytes]] = []
        self.browser = httpx.Client(
            base_url=f"http://127.0.0.1:{self.shop_port}", follow_redirects=True, trust_env=False
        )
        self.shown: httpx.Response | None = None
        self.sessions: list[str] = []

    def follow(self, page_blocks: list[Block]) -> None:
        for block in page_blocks:
            self.do(block)
        self.hold_the_session()

    def do(self, block: Block) -> None:
        if block.language == "pycon":
            self.sessions.append(block.text)
            return
        if "no-run" in block.options:
            return
        if path := block.option("file"):
            self.write(path, block.text)
        elif path := block.option("append"):
            self.write(path, (self.folder / path).read_text() + "\n" + block.text + self.own_settings(path))
        elif block.language == "console":
            self.hold_the_session()
            self.type(block.text, background="background" in block.options)
        elif block.language == "directive" and block.options == "browser":
            self.browse(block.text)
        else:
            raise AssertionError(f"line {block.line}: it is not clear what to do with this block")

    def write(self, path: str, text: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def own_settings(self, path: str) -> str:
        if not path.endswith("settings.py"):
            return ""
        return f'VOUCHER_PAYMENT_GATEWAY["BASE_URL"] = "http://127.0.0.1:{self.cloud_port}/v1"\n'

    def type(self, text: str, *, background: bool) -> None:
        """Run each command, and compare what it prints with the lines that follow it on the page."""
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, _, expected = part.partition("\n")
            expected = expected.replace(":8900", f":{self.cloud_port}")
            if background:
                self.start(command, expected)
            else:
                self.run(command, expected)

    def run(self, command: str, expected: str) -> None:
        done = subprocess.run(
            self.words(command), cwd=self.folder, capture_output=True, text=True, env=self.environment
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        if expected.strip():
            assert is_as_written(expected, done.stdout), f"{command} printed:\n{done.stdout}{done.stderr}"

    def start(self, command: str, expected: str) -> None:
        log = self.folder / f"program-{len(self.programs)}.log"
        with log.open("wb") as sink:
            self.programs.append(
                subprocess.Popen(
                    self.words(command),
                    cwd=self.folder,
                    stdout=sink,
                    stderr=subprocess.STDOUT,
                    env=self.environment,
                )
            )
        port = self.cloud_port if "sandbox" in command else self.shop_port
        wait_for(port, self.programs[-1], log)
        over_at = time.monotonic() + PATIENCE_SECONDS
        while expected.strip() not in log.read_text():
            assert time.monotonic() < over_at, f"{command} printed:\n{log.read_text()}"
            time.sleep(0.05)

    def words(self, command: str) -> list[str]:
        words = shlex.split(command)
        if words[0] == "django-admin":
            return [sys.executable, "-m", "django", *words[1:]]
        assert words[0] == "python", command
        if "runserver" in words:
            words += ["--noreload", f"127.0.0.1:{self.shop_port}"]
        elif "voucher_payment_gateway.sandbox" in words:
            words += ["--port", str(self.cloud_port)]
        return [sys.executable, *words[1:]]

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        return {**kept, "PYTHONUNBUFFERED": "1"}

    def hold_the_session(self) -> None:
        """Type all that belongs to one shell session at once: its names live on from block to block."""
        if not self.sessions:
            return
        (self.folder / "session.txt").write_text("\n".join(self.sessions))
        (self.folder / "session.py").write_text(SESSION)
        self.sessions.clear()
        self.run("python session.py session.txt", "")

    def browse(self, step: str) -> None:
        verb, _, rest = step.partition(" ")
        if verb == "open":
            self.shown = self.browser.get(rest)
        elif verb == "press":
            button, _, filled_in = rest.partition(" with ")
            self.press(button, dict(pair.split("=") for pair in filled_in.split()))
        else:
            assert verb == "reads", step
            assert rest in readable(self.shown.text), f"the page reads:\n{readable(self.shown.text)}"
        assert self.shown.status_code == 200, self.shown.text

    def press(self, button: str, filled_in: dict[str, str]) -> None:
        form = next(
            form for form in FORM.finditer(self.shown.text) if button in readable(form["body"])
        )  # StopIteration: there is no such button
        fields = [dict(ATTRIBUTE.findall(field)) for field in FIELD.findall(form["body"])]
        values = {field["name"]: html.unescape(field.get("value", "")) for field in fields}
        assert filled_in.keys() <= values.keys(), values
        action = dict(ATTRIBUTE.findall(form["tag"])).get("action", str(self.shown.url))
        target = urljoin(str(self.shown.url), action)
        self.shown = self.browser.post(target, data={**values, **filled_in})

    def leave(self) -> None:
        self.browser.close()
        for program in self.programs:
            program.send_signal(signal.SIGINT)
        for program in self.programs:
            try:
                program.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()


def is_as_written(expected: str, printed: str) -> bool:
    return doctest.OutputChecker().check_output(
        expected.strip(), printed.strip(), doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    )


def readable(page: str) -> str:
    """What a reader sees of a page, white space as a browser shows it."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def wait_for(port: int, program: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        assert program.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on port {port}:\n{log.read_text()}")
