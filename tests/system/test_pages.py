"""Pages from whatever holds them: files of every kind, arrays, bytes, PDF; damaged ones end nothing but themselves."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from ppocr.errors import DataError
from ppocr.system import pdf
from ppocr.system.pages import PageImage, PageProblem, read_pages

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
real_files = pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA}: the real scans are not here")

RED, BLUE = (0, 0, 255), (255, 0, 0)  # blue-green-red


def picture(color=RED, size=(40, 30)) -> Image.Image:
    """A Pillow image of one colour with a black corner at its upper left."""
    image = Image.new("RGB", size, color[::-1])
    ImageDraw.Draw(image).rectangle((0, 0, 9, 9), fill="black")
    return image


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def only(source, **options) -> np.ndarray:
    """The one page of a source."""
    (page,) = read_pages(source, **options)
    assert isinstance(page, PageImage), str(page)
    assert page.image.dtype == np.uint8 and page.image.ndim == 3 and page.image.shape[2] == 3
    return page.image


def problem(source, **options) -> str:
    (page,) = read_pages(source, **options)
    assert isinstance(page, PageProblem)
    return str(page)


def near(image: np.ndarray, color, at=(20, 20)) -> bool:
    return bool(np.abs(image[at].astype(int) - color).max() <= 8)


def make_pdf(pages: int = 1, size=(72.0, 144.0)) -> bytes:
    """A PDF of blank pages, sizes in points."""
    pdfium = pytest.importorskip("pypdfium2")
    document = pdfium.PdfDocument.new()
    for _ in range(pages):
        document.new_page(*size)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


# arrays


@pytest.mark.parametrize("shape", [(30, 40), (30, 40, 1)])
def test_grey_arrays_have_three_equal_channels(shape):
    image = only(np.full(shape, 7, np.uint8))
    assert image.shape == (30, 40, 3) and (image == 7).all()


def test_a_colour_array_is_the_page_itself():
    array = np.zeros((30, 40, 3), np.uint8)
    assert only(array) is array


def test_alpha_is_laid_on_white():
    array = np.zeros((300, 4, 4), np.uint8)
    array[..., 2], array[..., 3] = 255, np.arange(300)[:, None] % 256
    image = only(array)
    assert (image[0] == 255).all() and image[255].tolist() == [[0, 0, 255]] * 4
    assert image[128, 0].tolist() == [127, 127, 255]


@pytest.mark.parametrize(
    ("array", "value"),
    [
        (np.full((5, 5), 0x80FF, np.uint16), 0x80),
        (np.ones((5, 5), bool), 255),
        (np.full((5, 5, 3), 0.5), 128),
        (np.full((5, 5), 200, np.int64), 200),
    ],
)
def test_other_numbers_are_scaled_to_eight_bits(array, value):
    assert (only(array) == value).all()


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.full((5, 5), 2.0), "from 2 to 2: give 0 to 1"),
        (np.full((5, 5), np.nan), "nan"),
        (np.full((5, 5), -1), "give 0 to 255"),
        (np.zeros((3, 5, 7), np.uint8), r"\[3, 5, 7\] is no image"),
        (np.zeros((0, 5), np.uint8), "is no image"),
        (np.full((5, 5), "x"), "holds no numbers"),
    ],
)
def test_arrays_that_are_no_images_are_refused_with_the_reason(array, said):
    import re

    assert re.search(said, problem(array))


# files of one image


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("JPEG", {"quality": 95}),
        ("BMP", {}),
        ("GIF", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("PPM", {}),
        ("JPEG2000", {}),
    ],
)
def test_every_kind_of_file_by_its_content(kind, options, tmp_path):
    data = encoded(picture(), kind, **options)
    (tmp_path / "page.unknown").write_bytes(data)
    for source in (data, io.BytesIO(data), tmp_path / "page.unknown", str(tmp_path / "page.unknown")):
        image = only(source)
        assert image.shape == (30, 40, 3) and near(image, RED) and near(image, (0, 0, 0), (4, 4))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "LA", "I;16", "CMYK", "YCbCr", "F", "I"])
def test_pillow_images_of_every_mode(mode):
    image = picture((255, 255, 255))
    if mode.startswith("I"):
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16 if mode != "I" else np.int32) * 257)
    elif mode == "F":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.float32) / 255)
    else:
        image = image.convert(mode)
    assert image.mode == mode
    found = only(image)
    assert near(found, (255, 255, 255)) and near(found, (0, 0, 0), (4, 4))


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_has_its_colours(kind):
    assert near(only(encoded(picture(BLUE).convert("CMYK"), kind)), BLUE)


@pytest.mark.parametrize("compression", ["group4", "group3", "packbits", "tiff_lzw"])
def test_scans_of_one_bit(compression):
    image = only(encoded(picture((255, 255, 255)).convert("1"), "TIFF", compression=compression))
    assert (image[20, 20] == 255).all() and (image[4, 4] == 0).all()


def test_png_of_sixteen_bits_palette_and_transparency():
    deep = cv2.imencode(".png", np.full((30, 40, 3), 0x80FF, np.uint16))[1].tobytes()
    assert (only(deep) == 0x80).all()
    clear = Image.new("RGBA", (40, 30), (0, 0, 0, 0))
    assert (only(encoded(clear, "PNG")) == 255).all()
    palette = picture().convert("P")
    assert (only(encoded(palette, "PNG", transparency=palette.getpixel((20, 20))))[20, 20] == 255).all()


def test_tiff_of_three_channels_of_sixteen_bits(tmp_path):
    cv2.imwrite(str(tmp_path / "deep.tif"), np.full((30, 40, 3), (0x1000, 0x2000, 0x3000), np.uint16))
    assert only(tmp_path / "deep.tif")[0, 0].tolist() == [0x10, 0x20, 0x30]
    pages = [np.full((30, 40, 3), value << 8, np.uint16) for value in (1, 2, 3)]
    cv2.imwritemulti(str(tmp_path / "deep.tif"), pages)
    found = list(read_pages(tmp_path / "deep.tif"))
    assert [(page.number, int(page.image.max())) for page in found] == [(0, 1), (1, 2), (2, 3)]


def test_pages_before_the_damaged_end_of_a_tiff_are_read():
    data = encoded(picture(), "TIFF", save_all=True, append_images=[picture(), picture()])
    found = list(read_pages(data[: len(data) * 5 // 6]))
    assert isinstance(found[0], PageImage) and isinstance(found[-1], PageProblem)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_images_are_turned_upright(kind):
    exif = Image.Exif()
    exif[0x0112] = 6  # its top is at the right
    image = only(encoded(picture((255, 255, 255)), kind, exif=exif))
    assert image.shape == (40, 30, 3) and near(image, (0, 0, 0), (4, 25))


# files of several


def test_every_page_of_a_tiff_without_its_small_copies(tmp_path):
    pages = [picture((0, 0, 60 * n)) for n in range(3)]
    pages[2].encoderinfo = {"tiffinfo": {254: 1}}
    path = tmp_path / "scan.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:])
    for source in (path, path.read_bytes()):
        found = list(read_pages(source))
        assert [page.number for page in found] == [0, 1]
        assert [int(page.image[20, 20, 2]) for page in found] == [0, 60]
    assert len(list(read_pages(path, page_num=1))) == 1


def test_a_damaged_page_of_a_tiff_is_that_page_only(tmp_path):
    noise = [Image.fromarray(np.random.default_rng(n).integers(0, 255, (30, 40), np.uint8)) for n in range(3)]
    data = bytearray(encoded(noise[0], "TIFF", save_all=True, append_images=noise[1:], compression="tiff_deflate"))
    with Image.open(io.BytesIO(data)) as image:
        image.seek(1)
        start = image.tag_v2[273][0]
    data[start : start + 400] = bytes(400)
    kinds = [type(page) for page in read_pages(bytes(data))]
    assert kinds == [PageImage, PageProblem, PageImage]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_animations_give_their_first_frame_or_every_nth(kind):
    frames = [picture((0, 0, 60 * n)) for n in range(5)]
    data = encoded(
        frames[0], kind, save_all=True, append_images=frames[1:], **({"lossless": True} if kind == "WEBP" else {})
    )
    assert only(data)[20, 20, 2] == 0
    found = list(read_pages(data, every_frame=2))
    assert [(page.number, int(page.image[20, 20, 2])) for page in found] == [(0, 0), (2, 120), (4, 240)]
    assert len(list(read_pages(data, every_frame=1, page_num=2))) == 2


def test_every_nth_frame_of_a_video(tmp_path):
    path = str(tmp_path / "film.avi")
    video = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"MJPG"), 5, (64, 48))
    if not video.isOpened():
        pytest.skip("OpenCV writes no video here")
    for n in range(12):
        video.write(np.full((48, 64, 3), 20 * n, np.uint8))
    video.release()
    assert [page.number for page in read_pages(path)] == [0, 5, 10]
    found = list(read_pages(path, every_frame=4))
    assert [(page.number, round(page.image.mean() / 20)) for page in found] == [(0, 0), (4, 4), (8, 8)]


# PDF


def test_pages_of_a_pdf_by_path_and_content(tmp_path):
    (tmp_path / "a.pdf").write_bytes(make_pdf(3))
    for source in (tmp_path / "a.pdf", (tmp_path / "a.pdf").read_bytes(), io.BytesIO(make_pdf(3))):
        found = list(read_pages(source))
        assert [page.number for page in found] == [0, 1, 2]
        assert found[0].image.shape == (400, 200, 3) and (found[0].image == 255).all() and found[0].dpi == 200
    assert len(list(read_pages(tmp_path / "a.pdf", page_num=2))) == 2
    assert only(tmp_path / "a.pdf", dpi=72, page_num=1).shape == (144, 72, 3)


def test_a_scan_is_rendered_with_its_own_pixels():
    noise = np.random.default_rng(0).integers(0, 2, (1500, 1000), np.uint8) * 255
    data = encoded(Image.fromarray(noise), "PDF", resolution=600.0)
    image = only(data)
    assert image.shape == (1500, 1000, 3)
    assert round(next(iter(read_pages(data))).dpi) == 600
    assert only(data, dpi=72).shape == (180, 120, 3)


def test_a_page_of_metres_keeps_to_the_pixels_allowed():
    height, width, _ = only(make_pdf(size=(14_000, 9_000)), max_pixels=1_000_000).shape
    assert 900_000 < height * width <= 1_000_000 and 1.5 < width / height < 1.6
    height, width, _ = only(make_pdf(size=(14_000, 1)), max_pixels=1_000_000).shape
    assert height * width <= 1_000_000


def test_ten_thousand_pages_come_one_by_one():
    pages = read_pages(make_pdf(10_000, (20, 10)), dpi=72)
    assert [next(pages).number for _ in range(5)] == [0, 1, 2, 3, 4]
    pages.close()


def test_an_encrypted_pdf_is_one_line(tmp_path):
    # RC4 of 40 bits with a password nobody knows: PDFium checks it before all else
    data = make_pdf()
    trailer = data.rindex(b"trailer")
    encrypt = b"/Encrypt <</Filter/Standard/V 1/R 2/P -4/O <%b>/U <%b>>>/ID[<00><00>]" % (b"11" * 32, b"22" * 32)
    at = data.index(b"<<", trailer) + 2
    assert "encrypted: the PDF asks for a password" in problem(data[:at] + encrypt + data[at:])


def bomb(megabytes: int) -> bytes:
    """A PDF whose only picture is some megabytes of zeros, compressed twice."""
    import zlib

    once = zlib.compressobj(9)
    packed = b"".join(once.compress(bytes(1 << 20)) for _ in range(megabytes)) + once.flush()
    stream = zlib.compress(packed, 9)
    side = int((megabytes << 20) ** 0.5)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R 6 0 R]/Count 2>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Resources<</XObject<</I 5 0 R>>>>/Contents 4 0 R>>",
        b"<</Length 21>>stream\n99 0 0 99 0 0 cm /I Do\nendstream",
        b"<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 8"
        b"/Filter[/FlateDecode/FlateDecode]/Length %d>>stream\n%b\nendstream" % (side, side, len(stream), stream),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>",
    ]
    body, places = b"%PDF-1.4\n", []
    for number, text in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj%b endobj\n" % (number, text)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return body + b"xref\n0 7\n0000000000 65535 f \n%btrailer<</Size 7/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        table,
        len(body),
    )


def test_a_page_without_memory_ends_itself_only(monkeypatch):
    pytest.importorskip("resource")
    monkeypatch.setattr(pdf, "MEGABYTES", 200)
    assert "MemoryError" in problem(make_pdf(size=(14_000, 14_000)))
    first, second = read_pages(bomb(400))
    assert isinstance(second, PageImage)


def test_a_process_that_ends_is_started_again_behind_the_page(monkeypatch):
    real, calls = pdf._Worker.page, iter(range(100))

    def page(worker):
        if next(calls) in killed:
            worker._process.kill()
            worker._process.wait()
        return real(worker)

    monkeypatch.setattr(pdf._Worker, "page", page)
    killed = {1}
    assert [type(page) for page in read_pages(make_pdf(3))] == [PageImage, PageProblem, PageImage]
    killed, calls = set(range(100)), iter(range(100))
    found = list(read_pages(make_pdf(9)))
    assert len(found) == 4 and "the other 6 pages are not read" in str(found[3])


def test_a_page_that_takes_too_long_ends_itself_only(monkeypatch):
    monkeypatch.setattr(pdf, "SECONDS", 0)  # a deadline of no seconds: the process is ended at once
    assert "too_slow" in problem(make_pdf(2)) or "crashed" in problem(make_pdf(2))


# sources


def test_folders_patterns_and_lists(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("b.png", "a.jpg", "deep/c.tif"):
        picture().save(tmp_path / name)
    (tmp_path / "d.pdf").write_bytes(make_pdf())
    (tmp_path / "notes.md").write_text("x")
    names = [Path(page.source).name for page in read_pages(tmp_path)]
    assert names == ["a.jpg", "b.png", "d.pdf", "c.tif"]
    assert [Path(page.source).name for page in read_pages(f"{tmp_path}/*.[jp][pn]g")] == ["a.jpg", "b.png"]
    listed = tmp_path / "list.txt"
    listed.write_text(f"{tmp_path}/b.png\n{tmp_path}/none.png\n{tmp_path}/a.jpg\n", encoding="utf-8")
    found = list(read_pages(listed))
    assert [type(page) for page in found] == [PageImage, PageProblem, PageImage]
    assert "none.png: missing_file" in str(found[1])


def test_many_sources_in_their_order(tmp_path):
    picture().save(tmp_path / "a.png")
    file = (tmp_path / "a.png").open("rb")
    sources = [np.zeros((5, 5), np.uint8), tmp_path / "a.png", b"nonsense", "nowhere.png", picture(), file]
    for threads in (0, 1, 5):
        file.seek(0)
        found = list(read_pages(iter(sources), threads=threads))
        named = [page.source for page in found]
        assert named == ["0", str(tmp_path / "a.png"), "2", "nowhere.png", "4", str(tmp_path / "a.png")]
        assert [isinstance(page, PageProblem) for page in found] == [False, False, True, True, False, False]
    file.close()


@pytest.mark.parametrize("source", ["nowhere.png", "nowhere/*.png", 7])
def test_a_source_with_nothing_to_read_is_an_error_at_once(source):
    with pytest.raises(DataError):
        read_pages(source)


def test_a_file_opened_as_text_says_so(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    with (tmp_path / "a.txt").open() as file:
        assert "open it with mode 'rb'" in problem([file])


def huge_png() -> bytes:
    data = bytearray(encoded(picture(), "PNG"))
    data[16:24] = struct.pack(">II", 50_000, 50_000)
    import zlib

    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty_file"),
        (b"%PDF-1.4 nonsense", "undecodable"),
        (b"II*\0nonsense", "undecodable"),
        (encoded(picture(), "PNG")[:70], "undecodable"),
        (encoded(picture(), "GIF")[:60], "undecodable"),
        (huge_png(), "too_large"),
    ],
)
def test_damaged_and_hostile_content_is_one_line(data, reason, tmp_path):
    assert f": {reason}: " in problem(data)
    (tmp_path / "a.png").write_bytes(data)
    said = problem(tmp_path / "a.png")
    assert f": {reason}: " in said and "\n" not in said


def test_a_tiff_that_names_its_own_page_again_ends():
    data = bytearray(encoded(picture(), "TIFF"))
    start = struct.unpack_from("<I", data, 4)[0]
    entries = struct.unpack_from("<H", data, start)[0]
    struct.pack_into("<I", data, start + 2 + 12 * entries, start)
    assert len(list(read_pages(bytes(data)))) <= 2


@real_files
def test_real_scans_and_difficult_pdfs_are_read_or_refused_in_a_line():
    found = list(read_pages([p for p in sorted((DATA / "pdf").iterdir()) if p.suffix not in (".md", ".txt")], dpi=50))
    refused = {Path(page.source).name for page in found if isinstance(page, PageProblem)}
    assert refused == {"invalid.pdf"}
    sizes = {Path(page.source).name: page.image.shape[:2] for page in found if isinstance(page, PageImage)}
    assert sizes["baiona_cmyk.jpg"] == (682, 640)


@real_files
def test_copies_of_a_page_in_other_colours_look_alike():
    kinds = ("baiona.png", "baiona_alpha.png", "baiona_cmyk.jpg", "baiona_color.jpg", "baiona_colormapped.png")
    images = [only(DATA / "pdf" / kind).astype(int) for kind in kinds]
    grey = [np.median(image.mean(2)) for image in images]
    assert max(grey) - min(grey) < 30
