"""Runs what the host asks for, one program at a time: a line of JSON each, in and out."""

import glob
import json
import os
import subprocess
import time
from typing import Any

PORT = "/dev/vport*"


def run(asked: dict[str, Any]) -> dict[str, Any]:
    try:
        done = subprocess.run(
            asked["argv"],
            input=asked["input"],
            timeout=asked["timeout"],
            env={**os.environ, **asked["env"]},
            capture_output=True,
            text=True,
            errors="backslashreplace",
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"id": asked["id"], "fault": str(error)}
    said = {"stdout": done.stdout, "stderr": done.stderr}
    return {"id": asked["id"], "status": done.returncode, **said}


def main() -> None:
    fd = os.open(glob.glob(PORT)[0], os.O_RDWR)
    pending = b""
    while True:
        data = os.read(fd, 65536)
        if not data:
            time.sleep(0.1)  # the host is not there yet
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            answer = memoryview(json.dumps(run(json.loads(line))).encode() + b"\n")
            while answer:
                answer = answer[os.write(fd, answer) :]


if __name__ == "__main__":
    main()
