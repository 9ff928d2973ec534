"""The commands of `./lab`, by what a user does; `labsupport.cli` lists them all.

Each command imports what it needs when it runs: `./lab run --recorded` and `--help` need
neither the Kubernetes client nor Docker, and answer sooner without them.
"""
