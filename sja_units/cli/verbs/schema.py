"""`sjactl schema`: what files may say, for editors and other programs."""

import click

from sja_units.cli.output import format as render
from sja_units.cli.params import Word, example
from sja_units.job import KINDS


@click.command("schema", epilog=example("sjactl schema acquisition >acquisition.json"))
@click.argument("kind", type=Word([*KINDS, "host"]), required=False)
def schema_command(kind: str | None) -> None:
    """Print the JSON Schema of a kind's files, or of sja-units.toml (host).

    Without KIND it prints one object with the schemas of all.
    """
    from sja_units.config.schema import make_schema

    if kind is None:
        render.print_json({each: make_schema(each) for each in (*KINDS, "host")})
    else:
        render.print_json(make_schema(kind))
