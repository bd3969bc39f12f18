"""What the lint scripts share: the project's own files, and C text without comments and strings."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# The order matters: a comment opener inside a string is text, and the other way round.
_TOKEN = re.compile(
    r"""//(?:[^\n\\]|\\.|\\\n)*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""", re.DOTALL
)


def files(*folders, suffix=None):
    """Tracked and new files below `folders` (all without one) whose names end in `suffix`.

    As git sees them; in an unpacked archive, every file but build/.
    """
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, capture_output=True, text=True)
    if listing.returncode == 0:
        names = {name for name in listing.stdout.split("\0") if name}
    else:
        names = {str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if p.is_file()}
        names = {name for name in names if not name.startswith((".git/", "build/"))}
    prefixes = tuple(folder + "/" for folder in folders) or ("",)
    return sorted(
        name for name in names
        if name.startswith(prefixes) and name.endswith(suffix or "") and (ROOT / name).is_file()
    )


C = (".c", ".h")


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def code(text):
    """`text` with comments and literals blanked; every line keeps its number."""

    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())

    # An include's path looks like a string, but is code.
    lines = [
        line if line.lstrip().startswith("#") and "include" in line else None
        for line in text.split("\n")
    ]
    blanked = _TOKEN.sub(blank, text).split("\n")
    return "\n".join(kept if kept is not None else line for kept, line in zip(lines, blanked))


def includes(text):
    """Yields (line number, "<" or '"', path) for each include."""
    for number, line in enumerate(code(text).split("\n"), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if match:
            yield number, match.group(1), match.group(2)


def finish(title, problems, looked_at):
    """Ends a lint: it has to have looked at something, and to have found nothing."""
    if not looked_at:
        problems = [f"{title}: nothing to look at"]
    for problem in problems:
        print(problem)
    print(f"{title}: {looked_at} looked at, {len(problems)} problems")
    sys.exit(1 if problems else 0)
