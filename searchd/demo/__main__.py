"""``python -m searchd.demo``: index, learn, serve. Ctrl-C stops it; a second run serves at once what the first one made."""

import os
import sys
from pathlib import Path

import click

from indexer.durable import write_file
from indexer.home import Home
from searchd.demo.loop import learn
from searchd.keys import KeyStore

DONE = "demo-is-ready"


@click.command()
@click.option("--home", type=click.Path(path_type=Path), default=Path("var/demo"), show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--fresh", is_flag=True, help="Index and learn again, even if that was done before.")
@click.option("--serve/--no-serve", default=True, show_default=True)
def main(home: Path, port: int, fresh: bool, serve: bool) -> None:
    """Index the Python documentation and notes in Chinese, learn from simulated clicks, serve the search page."""
    done = home / DONE
    if fresh or not done.exists():
        learn(home)
        write_file(done, b"")
    if serve:
        key = KeyStore(Home.at(home).keys).create("admin", "1d", "demo")
        click.echo(
            f"\nThe search page: http://127.0.0.1:{port}/   (Ctrl-C stops it)\nTry: 正则表达式 re.sub · thread pool · 列表推导式\n"
            f"The dashboard: http://127.0.0.1:{port}/admin with any name and, for a day, the password {key}",
            err=True,
        )
        program = str(Path(sys.executable).parent / "searchd")
        os.execv(program, [program, "serve", "--home", str(home), "--port", str(port)])


if __name__ == "__main__":
    main()
