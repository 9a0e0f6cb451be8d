"""Files as hooks need them: what fails is said, and the rest goes on."""

import os


def complain(what: str, error: OSError) -> None:
    """Say in the journal what could not be written."""
    print(f"<3>cannot write {what}: {error.strerror}", flush=True)


def read(path: str) -> str:
    """Return a file's text, "" where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
            return file.read()
    except OSError:
        return ""  # mostly there is none


def take_back(path: str) -> None:
    """Make a folder root's, if it is there."""
    try:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    except OSError as error:
        complain(path, error)
        return
    try:
        os.fchown(folder, 0, -1)
    except OSError as error:
        complain(path, error)
    finally:
        os.close(folder)


def remove(path: str) -> None:
    """Delete a file, if it is there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        complain(path, error)


def write(path: str, text: str) -> None:
    """Write a file below /run."""
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        complain(path, error)


def replace(path: str, text: str) -> None:
    """Put a text in a file's place, so that neither a kill nor a power cut tears it."""
    folder, name = os.path.split(path)
    new = f"{folder}/.{name}.new"
    try:
        with open(new, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.rename(new, path)
    except OSError as error:
        complain(path, error)
    else:
        sync(folder)


def sync(folder: str) -> None:
    """Put a folder's entries on the disk."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        complain(folder, error)
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        complain(folder, error)
    finally:
        os.close(descriptor)
