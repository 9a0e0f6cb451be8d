"""Files that a job's configuration names, and that systemd hands over to it as credentials.

The job's own user can read few of them: a private key is root's, and the sandbox hides /home and
/etc/sja-units. Source: systemd.exec(5), LoadCredential=.
"""

import os

from sja_units.errors import DescribedError
from sja_units.text import describe_os_error, percent_encode


def name_credential(path: str) -> str:
    """Return what systemd calls the file of that path: at most 255 ASCII letters, no slash."""
    return percent_encode(path)


def find_file(path: str) -> str:
    """Return where the job can read a file; raise OSError with words for people if nowhere.

    Where systemd was not told of it, the file itself will do if the job's user may read it.
    """
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    handed = f"{folder}/{name_credential(path)}"
    is_known = bool(folder) and os.path.exists(handed)
    if is_known and os.stat(handed).st_size > 1:  # else it is the drop-in's stand-in
        return handed
    try:
        with open(path, "rb"):
            return path
    except OSError as error:
        why = describe_os_error(error)
    if is_known:
        why = "was not there, or empty, when the job started: restart it once it is"
    elif "RUNTIME_DIRECTORY" in os.environ:  # in a worker
        why = f"{why}: run `sjactl apply JOB` and restart it"
    raise DescribedError(f"{path}{' ' if is_known else ': '}{why}")
