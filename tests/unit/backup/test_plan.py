import io

import pytest

from sja_units.backup.archive import Archive, Stored, read_archive
from sja_units.backup.plan import Choices, Here, make_plan
from sja_units.job import Job
from tests.unit.backup.archives import ALICE, FILES, LINE1, make_archive

ARCHIVE = read_archive(io.BytesIO(make_archive()))
NONE: frozenset[Job] = frozenset()
EMPTY = Here({}, NONE, NONE, NONE, NONE, NONE)
WHOLE = EMPTY._replace(
    files={path: stored.data for path, stored in FILES.items()},
    states=frozenset({ALICE, LINE1}),
    wanted=frozenset({ALICE}),
    active=frozenset({ALICE}),
)


def test_an_empty_host_gets_all_of_it() -> None:
    plan = make_plan(ARCHIVE, EMPTY, Choices())
    assert plan.files == FILES
    assert set(plan.states) == {ALICE, LINE1}
    assert (plan.wants, plan.starts, plan.restarts) == ((ALICE,), (ALICE,), ())
    assert (plan.left, plan.kept, len(plan.replaced)) == ((), (), 0)


def test_nothing_is_started_where_nobody_wants_it() -> None:
    plan = make_plan(ARCHIVE, EMPTY, Choices(start=False))
    assert plan.files == FILES
    assert (plan.wants, plan.starts, plan.restarts) == ((), (), ())


def test_a_host_that_has_all_of_it_is_left_alone() -> None:
    for choices in (Choices(), Choices(replace=True)):
        plan = make_plan(ARCHIVE, WHOLE, choices)
        assert (plan.files, plan.states, plan.left) == ({}, (), ())
        assert (plan.wants, plan.starts, plan.restarts) == ((), (), ())


def test_a_last_order_that_was_given_here_counts() -> None:
    stopped = WHOLE._replace(wanted=NONE, active=NONE)
    assert make_plan(ARCHIVE, stopped, Choices()).starts == ()
    # Cut off between the file and the start.
    assert make_plan(ARCHIVE, WHOLE._replace(active=NONE), Choices()).starts == (ALICE,)
    # Its session is refused: nothing in the archive helps against that.
    refused = WHOLE._replace(active=NONE, failed=frozenset({ALICE}))
    assert make_plan(ARCHIVE, refused, Choices()).starts == ()


def test_another_file_is_left_with_all_that_belongs_to_the_job() -> None:
    path = "keepalive/alice.toml"
    files = dict(WHOLE.files) | {path: b"another"}
    here = EMPTY._replace(files=files)
    plan = make_plan(ARCHIVE, here, Choices())
    assert plan.left == (path,)
    assert plan.files == {}
    assert (plan.states, plan.settled) == ((LINE1,), (LINE1,))
    assert (plan.wants, plan.starts) == ((), ())


def test_another_file_is_replaced_on_demand_and_never_the_state() -> None:
    path = "keepalive/alice.toml"
    for odd in (b"another", None):
        here = WHOLE._replace(files=dict(WHOLE.files) | {path: odd})
        plan = make_plan(ARCHIVE, here, Choices(replace=True))
        assert (plan.files, set(plan.replaced)) == ({path: FILES[path]}, {path})
        assert (plan.states, set(plan.kept)) == ((), {ALICE, LINE1})
        assert (plan.starts, plan.restarts) == ((), (ALICE,))


def test_host_defaults_that_say_nothing_give_way() -> None:
    path = "sja-units.toml"
    says = Stored(b'[alert]\nwebhook = "http://127.0.0.1/"\n')
    archive = ARCHIVE._replace(files=ARCHIVE.files | {path: says})
    here = WHOLE._replace(files=dict(WHOLE.files) | {path: b"# [alert]\n"})
    plan = make_plan(archive, here, Choices(host_settings=True))
    assert (plan.files, set(plan.replaced), plan.left) == ({path: says}, {path}, ())
    here = WHOLE._replace(files=dict(WHOLE.files) | {path: b"[alert]\n"})
    assert make_plan(archive, here, Choices(host_settings=True)).left == (path,)
    # The archive's has nothing to say against what stands here.
    for choices in (Choices(), Choices(replace=True)):
        plan = make_plan(ARCHIVE, here, choices)
        assert (plan.files, plan.left) == ({}, ())


def test_state_that_is_missing_beside_the_same_file_is_put_back() -> None:
    here = WHOLE._replace(states=frozenset({LINE1}), active=NONE, wanted=NONE)
    plan = make_plan(ARCHIVE, here, Choices())
    assert (plan.files, plan.states) == ({}, (ALICE,))


def test_a_job_that_was_not_wanted_is_not_started() -> None:
    manifest = ARCHIVE.manifest
    jobs = tuple(entry._replace(wanted=False) for entry in manifest.jobs)
    archive = Archive(manifest._replace(jobs=jobs), *ARCHIVE[1:])
    plan = make_plan(archive, EMPTY, Choices())
    assert (plan.wants, plan.starts) == ((), ())


@pytest.mark.parametrize("path", ["sja-units.toml", "grants.d/web.toml"])
@pytest.mark.parametrize("replace", [True, False])
def test_what_root_runs_is_restored_only_if_asked_for(path: str, replace: bool) -> None:
    says = Stored(b'[alert]\ncommand = ["/tmp/x"]\n')
    archive = ARCHIVE._replace(files=ARCHIVE.files | {path: says})
    plan = make_plan(archive, EMPTY, Choices(replace=replace))
    assert path not in plan.files
    assert (plan.skipped, plan.left) == ((path,), ())
    asked = make_plan(archive, EMPTY, Choices(replace=replace, host_settings=True))
    assert (asked.files[path], asked.skipped) == (says, ())
