"""Authorities and what they vouch for, made anew for each run by openssl."""

import subprocess
from pathlib import Path

HOST = "press1.example.edu"
"""Whom each certificate is for."""

_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"


def openssl(folder: Path, words: str) -> None:
    subprocess.run(["openssl", *words.split()], cwd=folder, check=True, capture_output=True)


def make_authority(folder: Path, name: str) -> None:
    """Write NAME.pem and NAME.key of an authority."""
    openssl(folder, f"req -x509 {_KEY} -days 2 -keyout {name}.key -out {name}.pem -subj /CN={name}")


def sign(folder: Path, name: str, *, authority: str = "ca", days: int = 2) -> None:
    """Write NAME.pem and NAME.key, vouched for by an authority of that folder."""
    openssl(folder, f"req {_KEY} -keyout {name}.key -out {name}.csr -subj /CN={name}")
    (folder / "extensions").write_text(f"subjectAltName=DNS:{HOST}\n")
    by = f"-CA {authority}.pem -CAkey {authority}.key -CAcreateserial -extfile extensions"
    openssl(folder, f"x509 -req -in {name}.csr -out {name}.pem -days {days} {by}")
