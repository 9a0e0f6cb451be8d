"""Exit statuses of the contract, for workers, hooks and sjactl."""

FAILED = 1  # sjactl: an order failed, or a check found something
USAGE = 2  # sjactl: the command line is wrong
NOT_RUNNING = 3  # sjactl status
NO_SUCH_JOB = 4
NOT_ALLOWED = 5
INTERNAL_ERROR = 70  # a fault of the program itself; EX_SOFTWARE of sysexits.h
TEMPORARY = 75  # a worker cannot go on now, systemd tries again; EX_TEMPFAIL
NEEDS_OPERATOR = 77  # the session or a credential is refused: a person has to act; EX_NOPERM
WRONG_CONFIG = 78  # the configuration is wrong; EX_CONFIG
DONE = 79  # a command did its work and is not to be repeated
INTERRUPTED = 130  # sjactl: by SIGINT, as shells tell it
