"""What the units run: `python -I -m sja_units.worker KIND NAME`."""

import os
import sys

from sja_units.config.job_file import decode, parse
from sja_units.errors import ConfigError, SjaError, UsageError, WorkerError, WrongConfig
from sja_units.job import make_job
from sja_units.runtime import log
from sja_units.runtime.service import Runtime


def main(argv: list[str]) -> int:
    """Run one job until it is told to stop; return the exit status of the contract."""
    try:
        job = make_job(*argv)
    except (UsageError, TypeError) as error:
        log.error(f"not a job: {error}")
        return WrongConfig.status
    try:
        state_dir, run_dir = os.environ["STATE_DIRECTORY"], os.environ["RUNTIME_DIRECTORY"]
    except KeyError:
        log.error(f"{job} is run by systemd: systemctl start {job.unit}")
        return WrongConfig.status
    runtime = Runtime(job, state_dir, run_dir)
    try:
        return _work(runtime)
    except SjaError as error:
        end = error if isinstance(error, WorkerError) else WrongConfig(str(error))
        log.error(str(end))
        runtime.status(" · ".join(str(end).splitlines()))
        return end.status
    except Exception as error:
        # A bug: the journal needs the traceback, systemd tries again.
        import traceback  # loading it takes as long as much else of a start

        log.error(traceback.format_exc())
        runtime.status(f"crashed: {type(error).__name__}: {error}")
        return 1


def _work(runtime: Runtime) -> int:
    job = runtime.job
    text = decode(_read_config(runtime), job.config_path)
    return parse(job.kind, text, job.config_path).settings.run(runtime)


def _read_config(runtime: Runtime) -> bytes:
    """Return what the begin hook has handed over of the job's file.

    Raises ConfigError where it refused the file, WorkerError where it could not.
    """
    try:
        with open(f"{runtime.run_dir}/config", "rb") as file:
            return file.read()
    except FileNotFoundError:
        pass
    try:
        with open(f"{runtime.run_dir}/refused", encoding="utf-8") as file:
            reason = file.read().strip()
    except FileNotFoundError:
        why = "was not handed over: is /run full?"
        raise WorkerError(f"{runtime.job.config_path} {why}") from None
    raise ConfigError(runtime.job.config_path, [reason])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
