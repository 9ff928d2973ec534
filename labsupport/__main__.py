"""`python -m labsupport`, which is what `./lab` runs."""

from labsupport.cli import app

app(prog_name="./lab")
