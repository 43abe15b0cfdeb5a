"""The window's files inside `ct`: what embeds them, and how they are served."""

import gzip
import re
import subprocess
import sys
from pathlib import Path

import pytest
from served import ROOT, Reply, Server

PRINT_TABLE = r"""
#include <stdio.h>
#include "server/assets.h"
int main(void)
{
    for (size_t i = 0; i < sv_asset_count; i++) {
        const struct sv_asset *asset = &sv_assets[i];
        printf("%s %s %zu %zu\n", asset->path, asset->etag, asset->raw_size, asset->gzip_size);
        fwrite(asset->raw, 1, asset->raw_size, stderr);
    }
    return 0;
}
"""


# ---- tools/embed.py


def embed(folder: Path, output: Path) -> str:
    depfile = output.with_suffix(".d")
    command = [sys.executable, ROOT / "tools/embed.py", folder, output, "--depfile", depfile]
    subprocess.run(command, check=True)
    return depfile.read_text()


def table_of(source: Path) -> tuple[list[list[str]], bytes]:
    """Compile what was made; return its rows, and its contents behind each other."""
    program = source.with_name("program")
    main = source.with_name("main.c")
    main.write_text(PRINT_TABLE)
    subprocess.run(["cc", "-I", ROOT / "src", source, main, "-o", program], check=True)
    done = subprocess.run([program], capture_output=True, check=True)
    return [line.split() for line in done.stdout.decode().splitlines()], done.stderr


def test_what_is_in_the_folder_is_in_the_program(tmp_path: Path) -> None:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    contents = {
        "assets/a-1.js": b"x" * 10_000,
        "assets/b-2.bin": bytes(range(256)),
        "empty.txt": b"",
        "index.html": b"<p>",
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    depfile = embed(folder, tmp_path / "assets.c")
    rows, data = table_of(tmp_path / "assets.c")
    assert [row[0] for row in rows] == ["/" + name for name in contents]
    assert [int(row[2]) for row in rows] == list(map(len, contents.values()))
    assert [int(row[3]) > 0 for row in rows] == [True, False, False, False]  # what shrinks
    assert len({row[1] for row in rows}) == 4
    assert data == b"".join(contents.values())
    for name in (*contents, "assets", ""):
        assert str(folder / name).rstrip("/") in depfile.split()
    first = (tmp_path / "assets.c").read_bytes()
    embed(folder, tmp_path / "assets.c")
    assert (tmp_path / "assets.c").read_bytes() == first


def test_without_a_folder_the_table_is_empty(tmp_path: Path) -> None:
    depfile = embed(tmp_path / "web" / "dist", tmp_path / "assets.c")
    assert table_of(tmp_path / "assets.c") == ([], b"")
    assert str(tmp_path) in depfile.split()  # it is made again when the folder comes


# ---- What is served


@pytest.fixture(scope="module")
def page(server: Server) -> Reply:
    reply = server.request("GET", "/")
    if b"<script" not in reply.body:
        pytest.skip("this ct was built without the window (make web)")
    return reply


def test_without_the_window_the_page_says_what_to_do(server: Server) -> None:
    reply = server.request("GET", "/")
    assert reply.status == 200
    assert b"<script" in reply.body or b"make web" in reply.body


def test_the_page_is_asked_for_again_each_time(server: Server, page: Reply) -> None:
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    again = server.request("GET", "/index.html")
    assert again.headers["content-security-policy"] != page.headers["content-security-policy"]


def test_the_page_loads_its_own_files_alone(page: Reply) -> None:
    links = re.findall(rb'(?:src|href)="([^"]*)"', page.body)
    assert links
    assert not [link for link in links if b"//" in link]
    assert b"<style" not in page.body
    assert not re.search(rb"<script(?![^>]*\bsrc=)", page.body)
    assert not re.search(rb"\son\w+=", page.body)


def test_every_file_the_page_names_is_served(server: Server, page: Reply) -> None:
    for link in re.findall(r'(?:src|href)="\./([^"]*)"', page.body.decode()):
        plain = server.request("GET", "/" + link)
        packed = server.request("GET", "/" + link, {"Accept-Encoding": "gzip, br"})
        assert plain.status == packed.status == 200
        assert int(plain.headers["content-length"]) == len(plain.body)
        if packed.headers.get("content-encoding") == "gzip":
            assert len(packed.body) < len(plain.body)
            assert gzip.decompress(packed.body) == plain.body
        assert plain.headers["vary"] == "Accept-Encoding"
        etag = plain.headers["etag"]
        known = server.request("GET", "/" + link, {"If-None-Match": f'"other", {etag}'})
        assert (known.status, known.body) == (304, b"")
        head = server.request("HEAD", "/" + link)
        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-length"] == plain.headers["content-length"]
        is_named_by_content = link.startswith("assets/")
        assert ("immutable" in plain.headers["cache-control"]) == is_named_by_content
