"""The demonstration that `./install.sh --demo` gives, on a disposable machine."""
