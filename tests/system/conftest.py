"""Booted machines as fixtures. A test that changes nothing for others may share one."""

from collections.abc import Generator, Iterator

import pytest

from tests.machines.images import bare_machine as make_bare
from tests.machines.images import installed_machine as make_installed
from tests.machines.machine import Machine
from tests.system.watch import booted, save_journals


@pytest.fixture
def suite() -> str:
    """The Debian suite; `@pytest.mark.parametrize("suite", ["bookworm", "trixie"])` takes more."""
    return "bookworm"


@pytest.fixture
def machine(suite: str) -> Iterator[Machine]:
    """A booted machine, sja-units freshly installed, for one test alone."""
    with booted(make_installed(suite)) as machine:
        yield machine


@pytest.fixture
def bare_machine(suite: str) -> Iterator[Machine]:
    """A booted machine with nothing installed; /src, /wheels and /peers are there."""
    with booted(make_bare(suite)) as machine:
        yield machine


@pytest.fixture(scope="module")
def shared_machine() -> Iterator[Machine]:
    """A booted machine, sja-units freshly installed, for all tests of one file."""
    with booted(make_installed("bookworm", "shared")) as machine:
        yield machine


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the machines' journals to the report of a test that failed."""
    report = yield
    if report.failed:
        report.sections.extend(save_journals(item.nodeid))
    return report
