"""The command line of `./lab`: which commands there are, in which order, how they end.

Exit codes: 0 done, 1 a check failed, 2 wrong use, 3 this machine cannot do it, 130
interrupted. Results go to standard output, progress and errors to standard error.
"""

from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from labsupport import console, programs
from labsupport.commands import learning, measuring, mending, preparing, teaching, verifying
from labsupport.errors import LabError


class _Commands(TyperGroup):
    """Ends every command's failure with one sentence and its exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; see the module's exit codes."""
        try:
            return super().invoke(ctx)
        except LabError as error:
            console.err.print(f"[red]error:[/] {escape(str(error))}")
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            console.err.print("Interrupted. The same command goes on from here.")
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help=(
        "The CNI policy lab: which CNIs enforce Kubernetes NetworkPolicy, measured by packets.\n\n"
        "New here? [bold]./lab run[/] shows the matrix, [bold]./lab doctor[/] says what this "
        "machine can do, [bold]./lab up[/] makes real clusters with kind."
    ),
)


@app.callback()
def _main(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print every command that the lab runs.")
    ] = False,
) -> None:
    programs.verbose = verbose


# In the order in which `--help` lists them.
_COMMANDS: tuple[Callable[..., None], ...] = (
    preparing.doctor,
    preparing.engine,
    preparing.images,
    preparing.up,
    preparing.status,
    preparing.down,
    measuring.run,
    preparing.test,
    measuring.anatomy,
    verifying.explain,
    learning.notebook,
    learning.notebooks,
    learning.drill,
    verifying.verify,
    learning.exercise,
    mending.break_,
    mending.mend,
    teaching.instructor,
    measuring.convert,
    measuring.trial,
    teaching.workshop,
)
for _command in _COMMANDS:
    app.command(_command.__name__.rstrip("_"))(_command)  # `break_`: Python keeps `break`
