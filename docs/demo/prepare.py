"""Gets what a machine is made of: Debian's files and Python packages, from the net, once."""

from concurrent.futures import ThreadPoolExecutor

from tests.machines.trees import tree
from tests.machines.wheels import peers, wheels


def main() -> None:
    with ThreadPoolExecutor() as pool:
        for part in [pool.submit(tree, "bookworm"), pool.submit(wheels), pool.submit(peers)]:
            part.result()


if __name__ == "__main__":
    main()
