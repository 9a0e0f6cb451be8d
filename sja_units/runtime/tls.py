"""TLS: whom to trust, and what its faults mean. A certificate is always verified."""

import os
import ssl
import time

from sja_units.errors import DescribedError
from sja_units.runtime.credentials import find_file

# Not yet valid, expired: openssl-verification-options(1), X509_V_ERR_CERT_….
_DATED = (9, 10)


def make_tls(ca_file: str) -> ssl.SSLContext:
    """Return a context that trusts the file's authorities, "" for the system's.

    Raises OSError with words for people.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies name and chain
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file:
        try:
            context.load_verify_locations(cafile=find_credential("ca_file", ca_file))
        except ssl.SSLError:
            raise DescribedError(f"ca_file {ca_file} holds no certificate") from None
        return context
    paths = ssl.get_default_verify_paths()
    if _is_hashed(paths.openssl_capath):
        # Read one by one as they are needed: a whole bundle costs 60 ms and a MiB.
        context.load_verify_locations(capath=paths.openssl_capath)
    else:
        context.set_default_verify_paths()
    return context


def find_credential(key: str, path: str) -> str:
    """Return where the file that a key names can be read; raise OSError with words for people."""
    try:
        return find_file(path)
    except OSError as error:
        raise DescribedError(f"{key} {error.strerror}") from None


def describe_tls_error(error: Exception) -> str:
    """Return why there is no TLS connection, "" if the error is of another kind."""
    if isinstance(error, ssl.SSLCertVerificationError):
        clock = time.strftime("; this machine's clock says %Y-%m-%d", time.gmtime())
        is_dated = error.verify_code in _DATED
        return f"certificate refused: {error.verify_message}{clock if is_dated else ''}"
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "the connection ended").lower().replace("_", " ")
        return f"no TLS connection: {reason}"
    return ""


def _is_hashed(folder: str) -> bool:
    """Tell whether authorities lie there under the names that OpenSSL looks for."""
    try:
        return any(name.endswith(".0") for name in os.listdir(folder))
    except OSError:
        return False
