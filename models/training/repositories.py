"""Read files of a public git repository at one commit: a mirror on this machine, or a shallow clone of that commit."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO


class Repository:
    """The tree of one commit. Files are read with `git cat-file`, so no work tree is needed."""

    def __init__(self, git_folder: Path, commit: str) -> None:
        self.git_folder = git_folder
        listing = self._git("ls-tree", "-r", "-z", commit)
        entries = (entry.split("\t", 1) for entry in listing.decode("utf8", "surrogateescape").split("\0") if entry)
        self.blobs: dict[str, str] = {path: meta.split()[2] for meta, path in entries if meta.split()[1] == "blob"}

    def _git(self, *arguments: str) -> bytes:
        done = subprocess.run(["git", "-C", str(self.git_folder), *arguments], capture_output=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"git {' '.join(arguments)} in {self.git_folder} failed: {done.stderr.decode().strip()}")
        return done.stdout

    def read(self, path: str) -> bytes:
        """One file of the tree."""
        if path not in self.blobs:
            raise SystemExit(f"Expected {path} in {self.git_folder} but the commit has no such file")
        return self._git("cat-file", "blob", self.blobs[path])

    def read_all(self, paths: list[str]) -> Iterator[tuple[str, bytes | None]]:
        """Files in the order given; None for one whose content the mirror lacks."""
        with subprocess.Popen(
            ["git", "-C", str(self.git_folder), "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdin is not None and process.stdout is not None
            for path in paths:
                process.stdin.write(self.blobs[path].encode() + b"\n")
                process.stdin.flush()
                yield path, _next_blob(process.stdout)
            process.stdin.close()


def _next_blob(stream: IO[bytes]) -> bytes | None:
    header = stream.readline().split()
    if header[-1] == b"missing":
        return None
    content = stream.read(int(header[2]))
    stream.read(1)  # the newline that ends a blob
    return content


def open_repository(url: str, commit: str, mirrors: Path | None, clones: Path) -> Repository:
    """From mirrors/<owner>+<name>/repo where mirrors is given, else from a shallow clone that is kept in clones."""
    owner, name = url.rstrip("/").split("/")[-2:]
    if mirrors is not None:
        folder = mirrors / f"{owner}+{name}" / "repo"
        if not folder.is_dir():
            raise SystemExit(f"Expected a git folder for --mirrors at {folder} but there is none")
        return Repository(folder, commit)
    folder = clones / f"{owner}+{name}"
    if not (folder / "complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for command in (["init", "--quiet", "--bare"], ["fetch", "--depth", "1", url, commit]):
            subprocess.run(["git", "-C", str(folder), *command], check=True)
        (folder / "complete").touch()
    return Repository(folder, commit)
