"""The command that all others hang on."""

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--lang", type=click.Choice(["zh", "en"]), envvar="ATTENDING_LANG", show_envvar=True,
    help="What commands answer in; this help is English.  [default: as the terminal]",
)  # fmt: skip
def main(lang: str | None) -> None:
    """Attending: physicians in charge of how medical language models are judged.

    The loop: import a benchmark, import or generate responses, judge them, let physicians score
    blind, look at the agreement, revise criteria, judge again what changed.

    Question keys read CATEGORY:GROUP:TURN, e.g. MK:5:1. Exit status: 0 done, 2 refused with one
    sentence on stderr.
    """
