"""A virtual machine whose power can be cut for real: its memory is gone, page cache and all.

A PC that qemu plays without KVM, with Debian's own kernel and the files that the machines in
namespaces have. It boots in half a minute.
"""
