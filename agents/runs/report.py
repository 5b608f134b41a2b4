"""One page that tells what a run found: an HTML file whose links are relative to the folder it lies in."""

import html
import os
from collections.abc import Sequence
from pathlib import Path

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px/1.55 system-ui, sans-serif; color: #1c2330; }}
body {{ max-width: 62rem; margin: 2.5rem auto; padding: 0 1rem; }}
h1 {{ font-size: 2rem; }} h2 {{ margin-top: 2.5rem; border-top: 1px solid #d7dce3; padding-top: 1.2rem; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .3rem .9rem .3rem 0; text-align: left; border-bottom: 1px solid #e6e9ee; }}
td + td, th + th {{ text-align: right; }}
code {{ display: block; background: #f3f5f8; padding: .6rem .8rem; border-radius: 4px; overflow-x: auto; }}
img, video {{ max-width: 100%; border-radius: 4px; }}
figure {{ margin: 1.2rem 0; }} figcaption {{ color: #5b6675; font-size: .9rem; }}
</style>
<h1>{title}</h1>
{body}
</html>
"""


class Report:
    """Sections of text, commands, tables and pictures, in the order in which they are added."""

    def __init__(self, title: str, path: Path) -> None:
        self._title = title
        self._path = path
        self._parts: list[str] = []

    def section(self, title: str) -> None:
        """Begin a section."""
        self._parts.append(f"<h2>{html.escape(title)}</h2>")

    def text(self, text: str) -> None:
        """Add a paragraph."""
        self._parts.append(f"<p>{html.escape(text)}</p>")

    def command(self, command: str) -> None:
        """Add a command line that the reader can type."""
        self._parts.append(f"<code>{html.escape(command)}</code>")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Add a table; the first column is text, the others are figures."""
        head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
        body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
        self._parts.append(f"<table><tr>{head}</tr>{body}</table>")

    def picture(self, path: Path, caption: str) -> None:
        """Add an image or, from an .mp4, a video. FileNotFoundError where it is missing."""
        if not path.is_file():
            raise FileNotFoundError(f"report: picture {path} is missing")
        link = html.escape(Path(os.path.relpath(path, self._path.parent)).as_posix())
        shown = (
            f'<video src="{link}" controls loop></video>'
            if path.suffix == ".mp4"
            else f'<img src="{link}" alt="{html.escape(caption)}">'
        )
        self._parts.append(f"<figure>{shown}<figcaption>{html.escape(caption)}</figcaption></figure>")

    def write(self) -> Path:
        """Write the page and return its path."""
        self._path.write_text(
            _PAGE.format(title=html.escape(self._title), body="\n".join(self._parts)), encoding="utf-8"
        )
        return self._path
