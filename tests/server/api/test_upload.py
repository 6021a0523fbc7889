"""Uploading files: accepted types, names, and what a model sees of them."""

import base64
import io
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.harness import FakeClock
from tests.server.serving import TRANSPORTS, Json, Served, exchange_over, serving, valid
from thinkaloud.events.prompt import UserTurn
from thinkaloud.ports.uploads import Uploads
from thinkaloud.stores.uploads import FileUploads, MemoryUploads
from thinkaloud.testing import ScriptedModel, say
from thinkaloud.tools.attachments import NamedFiles
from thinkaloud.tools.workspace import Workspace

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR"
PICTURES = [
    (PNG, "image/png"),
    (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
    (b"GIF89a\x01\x00\x01\x00", "image/gif"),
    (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp"),
]
NO_PICTURES_NO_TEXTS = [
    b"PK\x03\x04\xff\xfe",
    b"%PDF-1.7\n%\xe2\xe3\xcf\xd3",
    b"\x7fELF\x02\x01\x01\x00",
    b"text\x00with NUL",
    b"\xff\xfeU\x00T\x00F\x00",
    "ein Löffel".encode("latin-1"),
    b"RIFF\x24\x00\x00\x00WAVEfmt \xff",
    b"<script>" + PNG,
]


@asynccontextmanager
async def open_server(
    *models: ScriptedModel,
    uploads: Uploads | None = None,
    workspace: Workspace | None = None,
    **settings: Any,
) -> AsyncGenerator[Served]:
    """Serve with uploads that runs can name."""
    kept = uploads or MemoryUploads(FakeClock())
    models = models or (ScriptedModel(),)
    async with serving(
        *models, uploads=kept, attachments=NamedFiles(kept, workspace), **settings
    ) as served:
        yield served


async def upload(
    served: Served, data: bytes, name: str | None = "notes.txt", **given: Any
) -> tuple[int, Json]:
    """Send a file as a form and return status and answer, held against the published schema."""
    form = aiohttp.FormData(quote_fields=False)
    kind = given.pop("content_type", "application/octet-stream")
    form.add_field("file", io.BytesIO(data), filename=name, content_type=kind)
    status, answer = await served.post("/upload", data=form, **given)
    document = await served.document("openapi")
    responses = document["paths"]["/api/v1/upload"]["post"]["responses"]
    (media,) = responses[str(status)]["content"].values()
    valid(answer, media["schema"], document)
    return status, answer


async def sent(served: Served, body: bytes, kind: str = "multipart/form-data; boundary=b") -> Json:
    """Send exactly this body and return the problem."""
    status, problem = await served.post("/upload", data=body, headers={"Content-Type": kind})
    assert problem["status"] == status
    return problem


def part(name: str, data: bytes, file: str | None = "a.txt") -> bytes:
    """One part of a form whose boundary is `b`."""
    tail = f'; filename="{file}"' if file is not None else ""
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{tail}\r\n\r\n'
    return head.encode() + data + b"\r\n"


async def test_a_text_is_kept_and_described() -> None:
    async with open_server() as served:
        status, kept = await upload(served, "Grüße\n".encode(), "notes.md")
        assert status == 201
        expected = {"name": "notes.md", "media_type": "text/plain", "bytes": 8}
        assert kept == {"id": kept["id"], **expected}
        found = await served.services.uploads.get("local", kept["id"])
    assert found is not None
    assert found[1] == "Grüße\n".encode()


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_model_sees_an_uploaded_text_and_an_uploaded_picture(transport: str) -> None:
    model = ScriptedModel([say("Seen.")])
    async with open_server(model) as served:
        _, text = await upload(served, b"The word is heliotrope.", "word.txt")
        _, picture = await upload(served, PNG, "p.png")
        exchange = await exchange_over(
            transport, served, context_files=[text["id"]], image_path=picture["id"]
        )
        assert exchange.complete is not None
    (turn,) = model.requests[0].turns
    assert isinstance(turn, UserTurn)
    assert '<file name="word.txt">\nThe word is heliotrope.\n</file>' in turn.text
    (image,) = turn.images
    assert (image.media_type, base64.b64decode(image.base64)) == ("image/png", PNG)


async def test_an_id_refers_to_an_upload_and_any_other_name_to_a_workspace_file(
    tmp_path: Path,
) -> None:
    model = ScriptedModel([say("Seen.")])
    (tmp_path / "plan.txt").write_text("from the workspace", encoding="utf-8")
    async with open_server(model, workspace=Workspace(tmp_path)) as served:
        _, kept = await upload(served, b"from the upload", "plan.txt")
        await exchange_over("rest", served, context_files=["plan.txt", kept["id"]])
    (turn,) = model.requests[0].turns
    assert isinstance(turn, UserTurn)
    assert turn.text.index("from the workspace") < turn.text.index("from the upload")


@pytest.mark.promise("P12")
@pytest.mark.parametrize("field", ["context_files", "image_path"])
async def test_an_upload_of_another_owner_is_refused_like_a_missing_one(field: str) -> None:
    uploads = MemoryUploads(FakeClock())
    theirs = await uploads.keep("bob", "p.png", "image/png", PNG)
    nobodys = "upl_" + "0" * 32
    problems: list[Json] = []
    async with open_server(uploads=uploads) as served:
        for name in (theirs.id, nobodys):
            body = {field: [name] if field == "context_files" else name}
            exchange = await exchange_over("rest", served, **body)
            assert exchange.error is not None
            problems.append(
                {
                    key: str(value).replace(name, "ID")
                    for key, value in exchange.error.items()
                    if key != "request_id"
                }
            )
    assert problems[0] == problems[1]
    assert (problems[0]["status"], problems[0]["field"]) == ("422", field)


@pytest.mark.parametrize(("data", "media_type"), PICTURES)
async def test_an_image_is_recognized_by_its_content_whatever_its_name(
    data: bytes, media_type: str
) -> None:
    async with open_server() as served:
        status, kept = await upload(served, data, "page.html", content_type="text/html")
    assert (status, kept["media_type"]) == (201, media_type)


@pytest.mark.parametrize(
    "data", [b"{}", b"<svg onload='alert(1)'/>", b"<html>", b"GIF88a", "\ufeffx".encode()]
)
async def test_every_text_is_plain_text_whatever_the_client_says(data: bytes) -> None:
    async with open_server() as served:
        status, kept = await upload(served, data, "x.png", content_type="image/png")
    assert (status, kept["media_type"]) == (201, "text/plain")


@pytest.mark.parametrize("data", NO_PICTURES_NO_TEXTS)
async def test_other_files_than_pictures_and_texts_are_refused(data: bytes) -> None:
    async with open_server() as served:
        status, problem = await upload(served, data, "x.png", content_type="image/png")
    assert (status, problem["code"]) == (415, "unsupported_media_type")


async def test_a_file_that_is_both_page_and_picture_is_served_as_a_picture() -> None:
    async with open_server() as served:
        status, kept = await upload(served, b"GIF89a=1;/*<script>alert(1)</script>*/", "x.html")
        assert (status, kept["media_type"]) == (201, "image/gif")
        status, _ = await served.get(f"/upload/{kept['id']}")
        assert status == 404
        status, _ = await served.get("/upload")
        assert status == 405


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../x", "x"),
        ("..\\..\\x.txt", "x.txt"),
        ("/etc/passwd", "passwd"),
        ("C:\\Users\\me\\a b.txt", "a b.txt"),
        ("..", "file"),
        ("a/", "file"),
        ("", "file"),
        ("Grüße.txt", "Grüße.txt"),
        ("a\x85b\u200bc.txt", "abc.txt"),
        ("exe\u202etxt.\u2028png", "exetxt.png"),
        ("<b>.txt", "_b_.txt"),
        ("n" * 300, "n" * 200),
    ],
)
async def test_a_client_cannot_choose_a_path(tmp_path: Path, given: str, shown: str) -> None:
    folder = tmp_path / "data" / "uploads"
    async with open_server(uploads=FileUploads(folder, FakeClock())) as served:
        status, kept = await upload(served, b"x", given)
    assert (status, kept["name"]) == (201, shown)
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    place = f"data/uploads/{kept['id'].removeprefix('upl_')}"
    assert written == {"data", "data/uploads", place, f"{place}.json"}


async def test_nothing_that_is_refused_is_written(tmp_path: Path) -> None:
    uploads = FileUploads(tmp_path / "uploads", FakeClock())
    async with open_server(uploads=uploads, max_upload_bytes=1000) as served:
        for data in (b"", b"\xff", b"x" * 1001, b"x" * 100_000):
            status, _ = await upload(served, data)
            assert status in {413, 415, 422}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("data", "limit"),
    [
        (b"x", 1000),
        (PNG, 1000),
        (b"x", 512 * 1024),
        (PNG, 8 * 2**20),
    ],
)
async def test_a_file_may_have_the_maximum_size_and_not_a_byte_more(
    data: bytes, limit: int
) -> None:
    settings = {"max_upload_bytes": limit} if limit == 1000 else {}
    async with open_server(**settings) as served:
        whole = data + b"x" * (limit - len(data))
        assert (await upload(served, whole))[0] == 201
        status, problem = await upload(served, whole + b"x")
    assert (status, problem["code"]) == (413, "body_too_large")


async def test_an_endless_body_is_refused_while_it_is_read() -> None:
    given = 0

    async def endless() -> AsyncGenerator[bytes]:
        nonlocal given
        yield part("file", b"")[:-2]
        while given < 1000:
            given += 1
            yield b"x" * 65_536

    async with open_server(max_upload_bytes=100_000) as served:
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        try:
            status, problem = await served.post("/upload", data=endless(), headers=headers)
        except aiohttp.ClientError:
            status, problem = 413, {"code": "body_too_large"}  # it was hung up on
        assert (status, problem["code"]) == (413, "body_too_large")
        assert (await upload(served, b"still there"))[0] == 201
    assert given < 1000


@pytest.mark.parametrize(
    "body",
    [
        b"--b--\r\n",
        part("other", b"x") + b"--b--\r\n",
        part("file", b"x", file=None) + b"--b--\r\n",
        part("file", b"x") + part("file", b"y") + b"--b--\r\n",
        part("file", b"x") + part("note", b"y", file=None) + b"--b--\r\n",
        part("file", b"") + b"--b--\r\n",
    ],
)
async def test_a_form_has_exactly_one_nonempty_file(body: bytes) -> None:
    async with open_server() as served:
        problem = await sent(served, body)
    assert (problem["status"], problem["code"]) == (422, "invalid_request")
    assert problem["field"] == "file"


@pytest.mark.parametrize(
    "body",
    [
        b"no form at all",
        part("file", b"x") * 20 + b"--b--\r\n",
        part("note", b"x", file=None) * 20 + b"--b--\r\n",
        b"--b\r\nContent-Disposition: form-data; filename=a\r\n\r\nx\r\n--b--\r\n",
        b"--b\r\n" + b"X-Much: y\r\n" * 500 + b"\r\nx\r\n--b--\r\n",
    ],
)
async def test_an_invalid_or_oversized_form_is_refused(body: bytes) -> None:
    async with open_server() as served:
        problem = await sent(served, body)
    assert (problem["status"], problem["code"]) == (400, "malformed_form")


@pytest.mark.parametrize("cut", [0, 10, 60, -8, -3])
async def test_a_form_that_is_cut_off_is_not_kept(cut: int) -> None:
    async with open_server() as served:
        problem = await sent(served, (part("file", b"x" * 40) + b"--b--\r\n")[:cut])
    assert (problem["status"], problem["code"]) == (400, "malformed_form")


@pytest.mark.parametrize(
    "kind",
    ["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/mixed"],
)
async def test_only_multipart_forms_are_accepted(kind: str) -> None:
    async with open_server() as served:
        problem = await sent(served, part("file", b"x") + b"--b--\r\n", f"{kind}; boundary=b")
    assert (problem["status"], problem["code"]) == (415, "unsupported_media_type")


async def test_clients_can_discover_that_files_are_accepted() -> None:
    async with open_server() as served:
        _, can = await served.get("/capabilities")
    assert can["features"]["uploads"] is True
