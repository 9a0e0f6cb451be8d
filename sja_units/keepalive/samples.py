"""Files that together have every key of a keep-alive job, for what is made from its reader."""


def list_samples() -> list[str]:
    """Return such files."""
    return [
        'url = "http://h"\n',
        'url = "http://h"\nheaders = { A = "x" }\n[login]\ncommand = ["/x"]\n',
        'url = "http://h"\ninterval = "auto"\n',
    ]
