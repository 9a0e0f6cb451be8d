"""Files that together have every key of a command, for what is made from its reader."""

_COMMAND = 'command = ["/x"]\n'
_PROBES = ['http = "http://h/"', 'tcp = "h:1"', 'exec = ["/x"]', 'file = "f"\nmax_age = "1s"']


def list_samples() -> list[str]:
    """Return such files."""
    return [
        f'{_COMMAND}max_runtime = "1s"\nenvironment = {{ A = "x" }}\n',
        *(f"{_COMMAND}[probe]\n{way}\n" for way in _PROBES),
    ]
