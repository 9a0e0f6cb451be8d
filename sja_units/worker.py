"""What the units run: `python -I -m sja_units.worker KIND NAME`."""

import os
import sys
import traceback

from sja_units.config.job_file import decode, parse
from sja_units.errors import SjaError, UsageError, WorkerError, WrongConfig
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
        folders = [os.environ[f"{name}_DIRECTORY"] for name in ("STATE", "RUNTIME", "CREDENTIALS")]
    except KeyError:
        log.error(f"{job} is run by systemd: systemctl start {job.unit}")
        return WrongConfig.status
    runtime = Runtime(job, folders[0], folders[1])
    try:
        return _work(runtime, f"{folders[2]}/config")
    except SjaError as error:
        end = error if isinstance(error, WorkerError) else WrongConfig(str(error))
        log.error(str(end))
        runtime.status(" · ".join(str(end).splitlines()))
        return end.status
    except Exception as error:
        # A bug: the journal needs the traceback, systemd tries again.
        log.error(traceback.format_exc())
        runtime.status(f"crashed: {type(error).__name__}: {error}")
        return 1


def _work(runtime: Runtime, credential: str) -> int:
    job = runtime.job
    with open(credential, "rb") as file:
        text = decode(file.read(), job.config_path)
    return parse(job.kind, text, job.config_path).settings.run(runtime)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
