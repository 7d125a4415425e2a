"""Projects in separate folders, each tested by a separate pytest."""

import pytest

from tests.testing.little_shop import FILES, INI

UNUSED = ("-p", "no:cacheprovider", "-p", "no:schemathesis")


class Project:
    """A folder with a project; ``test`` runs pytest there, in a separate process."""

    def __init__(self, pytester):
        self.pytester = pytester
        self.write("pytest.ini", INI)

    def write(self, name, text):
        path = self.pytester.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def test(self, source, *options):
        self.write("test_it.py", source)
        return self.pytester.runpytest_subprocess(*UNUSED, *options)


@pytest.fixture
def project(pytester, monkeypatch):
    """A project without Django."""
    for name in (
        "DJANGO_SETTINGS_MODULE",
        "PYTEST_ADDOPTS",
        "PYTEST_XDIST_WORKER",
        "PYTEST_XDIST_TESTRUNUID",
    ):
        monkeypatch.delenv(name, raising=False)
    return Project(pytester)


@pytest.fixture
def shop(project):
    """A small Django shop whose settings name production."""
    for name, text in FILES.items():
        project.write(name, text)
    project.write("pytest.ini", f"{INI}DJANGO_SETTINGS_MODULE = config\n")
    return project
