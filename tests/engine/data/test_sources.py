"""Sources beyond files and arrays: lists, the web, streams, the screen, and damaged ones."""

from __future__ import annotations

import re
import struct
import threading
import time
import zlib

import cv2
import numpy as np
import pytest

from engine.data.loaders import load_source
from engine.data.sources import streams, web
from engine.data.sources.ahead import mapped_ahead
from engine.data.sources.screen import ScreenSource
from engine.data.sources.stream_reader import Patience
from engine.data.sources.streams import StreamSource
from engine.runtime.ahead import iterated_ahead
from engine.runtime.errors import DatasetError, DownloadError, ImageError

QUICK = Patience(open_s=2, silence_s=0.6, give_up_s=1.2, pause_s=0.05)


def encoded(value=90, suffix=".jpg", size=(24, 32)):
    return cv2.imencode(suffix, np.full((*size, 3), value, np.uint8))[1].tobytes()


def write_video(path, frames=12):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 5, (64, 48))
    for i in range(frames):
        writer.write(np.full((48, 64, 3), 20 * i, np.uint8))
    writer.release()
    return path


def pictures(source, **options):
    return [entry for batch in load_source(source, **options) for entry in zip(*batch, strict=True)]


@pytest.fixture
def folder(tmp_path):
    for i in range(4):
        (tmp_path / f"{i}.png").write_bytes(encoded(50 * i, ".png"))
    return tmp_path


# Lists


@pytest.mark.parametrize(
    "text",
    [
        "0.png\n2.png\n",
        "path\n0.png\n2.png\n",
        "label,Image\nbolt,0.png\n\nnut,2.png\n",
        '"0.png",bolt\n"2.png",nut\n',
    ],
)
def test_a_table_of_paths(folder, text):
    (folder / "list.csv").write_text(text, encoding="utf-8-sig")
    assert [path[-5:] for path, _, _ in pictures(folder / "list.csv")] == ["0.png", "2.png"]


@pytest.mark.parametrize("make", [str, lambda folder: [folder / "0.png", str(folder / "gone.png")]])
def test_one_of_several_paths_that_does_not_exist_is_named_and_the_rest_goes_on(
    folder, caplog, make
):
    (folder / "list.txt").write_text("gone.png\n0.png\n")
    source = make(folder) if make is not str else folder / "list.txt"
    assert [path[-5:] for path, _, _ in pictures(source)] == ["0.png"]
    assert caplog.text.count("gone.png: The source does not exist") == 1


def test_a_list_names_something_that_exists_and_no_list(folder):
    (folder / "list.txt").write_text("missing.png\nmissing_too.png\n")
    with pytest.raises(DatasetError, match=r"missing\.png"):
        load_source(folder / "list.txt")
    (folder / "list.txt").write_text("list.txt\n")
    with pytest.raises(ImageError, match=r"list\.txt"):
        pictures(folder / "list.txt")
    (folder / "list.txt").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(DatasetError, match="cannot be read"):
        load_source(folder / "list.txt")


# The web


def test_a_picture_and_a_video_of_the_web_are_fetched_once(file_server, tmp_path):
    file_server.files["/a/bus.jpg"] = encoded(120)
    file_server.files["/clip.avi"] = write_video(tmp_path / "x.avi").read_bytes()
    url = f"{file_server.url}/a/bus.jpg?size=large"
    for _ in range(2):
        (found,) = pictures(url)
        assert found[0].endswith("bus.jpg")
        assert abs(int(found[1].mean()) - 120) < 3
    assert len(file_server.asked_for("/a/bus.jpg")) == 1
    mixed = pictures([url, f"{file_server.url}/clip.avi"])
    assert [info.kind for *_, info in mixed] == ["image"] + ["video"] * 12


def test_addresses_of_two_servers_never_share_a_file():
    one, two = (web.cached_path(f"http://{host}/bus.jpg", ".jpg") for host in "ab")
    assert one != two
    assert web.cached_path("http://a/..%2f..%2fetc%2fpasswd", ".jpg").name == "passwd.jpg"
    assert web.cached_path("http://a/.bashrc", ".jpg").parent.parent.name == "sources"


def redirect(target):
    def answer(handler):
        return handler.answer(302, b"", {"Location": target})

    return answer


def test_redirections_lead_to_files_of_the_web_only(file_server, tmp_path):
    file_server.files["/real.png"] = encoded(30, ".png")
    file_server.special["/short"] = redirect(f"{file_server.url}/real.png")
    secret = tmp_path / "secret.png"
    secret.write_bytes(encoded(200, ".png"))
    for name in ("/evil", "/evil.png"):
        file_server.special[name] = redirect(secret.as_uri())
    assert pictures(f"{file_server.url}/short")[0][1].mean() == 30
    for name in ("/evil", "/evil.png"):
        with pytest.raises(DownloadError, match="evil"):
            pictures(file_server.url + name)


def typed(kind, content):
    return lambda handler: handler.answer(200, content, {"Content-Type": kind})


def test_an_address_without_suffix_is_what_its_server_says(file_server):
    file_server.special["/photo"] = typed("image/jpeg; charset=binary", encoded(70))
    file_server.special["/page"] = typed("text/html", b"<html>no</html>")
    assert pictures(f"{file_server.url}/photo")[0][0].endswith("photo.jpg")
    with pytest.raises(DownloadError, match="text/html"):
        load_source(f"{file_server.url}/page")
    with pytest.raises(DownloadError, match="404"):
        load_source(f"{file_server.url}/nothing")


def test_what_is_too_large_or_no_picture_is_not_kept(file_server, monkeypatch):
    file_server.files["/big.png"] = bytes(400_000)
    file_server.files["/text.png"] = b"this is no picture"
    monkeypatch.setattr(web, "MAX_PICTURE_BYTES", 100_000)
    with pytest.raises(DownloadError, match="more than"):
        pictures(f"{file_server.url}/big.png")
    with pytest.raises(DownloadError, match=r"text\.png"):
        pictures(f"{file_server.url}/text.png")
    for name in ("big", "text"):
        target = web.cached_path(f"{file_server.url}/{name}.png", ".png")
        assert not target.exists()
    assert not list(target.parent.parent.glob("*/big.png.part"))


def test_one_address_that_fails_is_left_out(file_server, caplog):
    file_server.files["/good.png"] = encoded(60, ".png")
    found = pictures([f"{file_server.url}/gone.png", f"{file_server.url}/good.png"])
    assert [path[-8:] for path, *_ in found] == ["good.png"]
    assert "gone.png" in caplog.text


def test_nothing_is_fetched_while_the_network_is_switched_off():
    with pytest.raises(DownloadError, match="offline"):
        pictures("http://127.0.0.1:9/bus.jpg")
    with pytest.raises(DownloadError, match="offline"):
        load_source("http://127.0.0.1:9/bus")


# Damaged files


def huge_png(path, side=100_000):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


def test_a_header_of_absurd_size_is_named_and_the_rest_goes_on(folder, caplog):
    huge_png(folder / "1.png")
    assert [path[-5:] for path, *_ in pictures(folder)] == ["0.png", "2.png", "3.png"]
    assert "1.png" in caplog.text
    with pytest.raises(ImageError, match="100000"):
        pictures(folder / "1.png")


@pytest.mark.parametrize("damage", ["zeros", "cut"])
def test_an_unreadable_frame_in_the_middle_is_left_out(tmp_path, caplog, damage):
    path = write_video(tmp_path / "clip.avi")
    content = bytearray(path.read_bytes())
    starts = [found.start() for found in re.finditer(b"\xff\xd8\xff", bytes(content))]
    if damage == "zeros":
        content[starts[5] : starts[6] - 16] = bytes(starts[6] - 16 - starts[5])
    else:
        del content[starts[8] :]
    path.write_bytes(content)
    found = pictures(path)
    numbers = [info.frame for *_, info in found]
    assert [round(image.mean() / 20) + 1 for _, image, _ in found] == numbers
    if damage == "zeros":
        assert numbers == [1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12]
        assert "1 damaged frames" in caplog.text
    else:
        assert numbers == list(range(1, 9))
        assert "ends after frame 8 of 12" in caplog.text


# Streams


class Camera:
    """An MJPEG camera of the web, which stops sending when it is told to."""

    def __init__(self, frames=10_000, pause_s=0.01):
        self.frames, self.pause_s, self.silent = frames, pause_s, threading.Event()
        self.openings, self.quit = 0, threading.Event()

    def __call__(self, handler):
        self.openings += 1
        handler.head(200, {"Content-Type": "multipart/x-mixed-replace; boundary=frame"})
        try:
            for i in range(self.frames):
                if self.silent.is_set():
                    break
                data = encoded(10 + i % 200)
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                handler.wfile.write(head.encode() + data + b"\r\n")
                self.quit.wait(self.pause_s)
            self.quit.wait(20)
        except OSError:
            pass  # the other side went away
        return True


@pytest.fixture
def camera(file_server):
    camera = Camera()
    file_server.special["/cam"] = camera
    camera.url = f"{file_server.url}/cam"
    yield camera
    camera.quit.set()


def test_a_camera_of_the_web_is_recognised_and_read_until_nobody_listens(camera):
    source = load_source(camera.url)
    assert isinstance(source, StreamSource)
    assert source.is_long
    batches = iter(source)
    infos = [next(batches).infos[0] for _ in range(5)]
    assert {info.kind for info in infos} == {"stream"}
    numbers = [info.frame for info in infos]
    assert numbers == sorted(set(numbers))
    batches.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("stream ") and t.is_alive()]


def test_a_stream_that_falls_silent_ends_and_the_other_goes_on(
    camera, file_server, tmp_path, caplog
):
    steady = Camera()
    file_server.special["/steady"] = steady
    both = [camera.url, f"{file_server.url}/steady"]
    batches = iter(StreamSource(both, patience=QUICK))
    seen: set[int] = set()
    while len(seen) < 2:
        seen |= {info.number for info in next(batches).infos}
    camera.silent.set()
    end = time.monotonic() + 20
    while "/cam has ended" not in caplog.text and time.monotonic() < end:
        next(batches)
    assert "/cam has ended: it has been silent" in caplog.text
    assert next(batches).infos[0].number == 2
    steady.silent.set()
    assert all(info.number == 2 for batch in batches for info in batch.infos)  # and then it ends
    steady.quit.set()


def test_a_lost_stream_is_opened_again(camera, file_server):
    short = Camera(frames=8)
    short.quit.set()  # it closes the connection after its frames
    file_server.special["/short"] = short
    batches = iter(StreamSource([f"{file_server.url}/short"], buffered=True, patience=QUICK))
    numbers = [next(batches).infos[0].frame for _ in range(12)]
    batches.close()
    assert numbers == list(range(1, 13))
    assert short.openings >= 2


def test_streams_that_never_come(closed_url, tmp_path):
    with pytest.raises(ImageError, match="No frame came") as error:
        list(StreamSource([closed_url.replace("http", "rtsp"), 93], patience=QUICK))
    assert "93: it cannot be opened" in str(error.value)


def test_a_list_of_streams_gives_frames_of_all(tmp_path):
    for name, frames in (("a.avi", 6), ("b.avi", 9)):
        write_video(tmp_path / name, frames)
    listing = tmp_path / "two.streams"
    listing.write_text("# of the yard\na.avi\n\nb.avi\n")
    infos = [info for batch in load_source(listing) for info in batch.infos]
    for number, frames in ((1, 6), (2, 9)):
        assert [i.frame for i in infos if i.number == number] == list(range(1, frames + 1))
    assert {info.count for info in infos} == {2}
    strided = [i for b in load_source(listing, vid_stride=4) for i in b.infos]
    assert [i.frame for i in strided if i.number == 2] == [1, 5, 9]


@pytest.mark.parametrize("text", ["", "# nothing\n", "a.txt\n"])
def test_lists_of_streams_that_name_nothing(tmp_path, text):
    (tmp_path / "bad.streams").write_text(text)
    with pytest.raises(DatasetError, match=r"bad\.streams"):
        load_source(tmp_path / "bad.streams")


def test_numbers_are_cameras_unless_a_file_is_called_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert streams.addresses("0") == streams.addresses(0) == [0]
    assert streams.addresses(True) == streams.addresses(2.5) == []
    (tmp_path / "0").mkdir()
    assert streams.addresses("0") == []


def test_passwords_of_streams_are_not_shown():
    source = StreamSource(["rtsp://me:secret@camera/1"], patience=QUICK)
    with pytest.raises(ImageError) as error:
        list(source)
    assert "secret" not in str(error.value)
    assert "camera/1" in str(error.value)


# The screen


@pytest.mark.usefixtures("unseen_screen")
def test_pictures_of_the_screen():
    pytest.importorskip("mss")
    for text, shape in (("screen", (240, 320, 3)), ("screen 0 10 20 64 48", (48, 64, 3))):
        batches = iter(load_source(text))
        first, second = next(batches), next(batches)
        assert first.images[0].shape == shape
        assert (first.paths, second.infos[0].frame) == (["screen0"], 2)
        batches.close()
    with pytest.raises(DatasetError, match="monitor 7"):
        next(iter(load_source("screen 7")))


def test_without_a_screen_it_is_said(monkeypatch):
    pytest.importorskip("mss")
    monkeypatch.setenv("DISPLAY", ":98765")
    with pytest.raises(ImageError, match="cannot be looked at"):
        next(iter(load_source("screen")))


@pytest.mark.parametrize("text", ["screen a", "screen 1 2", "screen 0 0 0 0", "screen -1"])
def test_words_that_name_no_part_of_the_screen(text):
    with pytest.raises(DatasetError, match="screen"):
        ScreenSource(text)


# Reading ahead


def test_files_are_read_while_nobody_waits_and_not_without_bound():
    begun: list[int] = []

    def make(key):
        begun.append(key)
        return key * key

    outcomes = mapped_ahead(make, iter(range(100)), ahead=3)
    assert next(outcomes).result() == 0
    end = time.monotonic() + 5
    while len(begun) < 4 and time.monotonic() < end:
        time.sleep(0.01)
    assert sorted(begun) == [0, 1, 2, 3]
    assert [f.result() for f in outcomes] == [k * k for k in range(1, 100)]


def test_an_iterator_in_a_thread_gives_its_items_and_its_error():
    def items():
        yield from range(10)
        raise ImageError("broken")

    rows = iterated_ahead(items(), ahead=2)
    with pytest.raises(ImageError, match="broken"):
        assert [next(rows) for _ in range(11)]


def test_an_iterator_in_a_thread_is_closed_with_its_consumer():
    closed = threading.Event()

    def items():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    rows = iterated_ahead(items(), ahead=4)
    next(rows)
    rows.close()
    assert closed.is_set()
