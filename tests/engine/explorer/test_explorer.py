"""The Explorer over drawn pictures, with a real network and a real text encoder of random weights."""

from __future__ import annotations

import json
import sqlite3
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import cv2
import numpy as np
import pytest
import torch

from engine import Explorer
from engine.explorer.embedding_store import EmbeddingStore
from engine.explorer.questions import parse_answer
from engine.models.yolo.model import YOLO
from engine.runtime.errors import ConfigError, DatasetError, ModelError
from engine.runtime.settings import settings

PICTURES = 8


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """The data.yaml of 8 train pictures, 0 and 1 alike, 2 a copy of 0; even ones show a nut, odd ones a bolt and a nut."""
    root = tmp_path_factory.mktemp("explored")
    for kind in ("images", "labels"):
        (root / kind / "train").mkdir(parents=True)
    generator = np.random.default_rng(1)
    for number in range(PICTURES):
        low, high = (0, 40) if number < 3 else (10 * number, 40 + 25 * number)
        picture = generator.integers(low, high, (48, 64, 3), dtype=np.uint8)
        place = root / "images" / "train"
        cv2.imwrite(str(place / f"{number}.png"), picture)
        if number == 2:
            (place / "2.png").write_bytes((place / "0.png").read_bytes())
        lines = ["0 0.5 0.5 0.25 0.5"] + ["1 0.25 0.25 0.5 0.5"] * (number % 2)
        (root / "labels" / "train" / f"{number}.txt").write_text("\n".join(lines))
    file = root / "data.yaml"
    file.write_text(f"path: {root}\ntrain: images/train\nnames: [nut, bolt]\n")
    return file


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    return YOLO("yolo11n.yaml")


@pytest.fixture(scope="module")
def explorer(pictures, model, tmp_path_factory):
    made = Explorer(pictures, model=model, uri=tmp_path_factory.mktemp("tables"), imgsz=64)
    made.create_embeddings_table()
    return made


def names(table):
    return [file.rsplit("/", 1)[-1] for file in table["im_file"]]


def test_the_table_says_what_is_in_the_pictures(explorer):
    table = explorer.sql_query("SELECT * FROM 'table' ORDER BY idx")
    assert list(table["idx"]) == list(range(PICTURES))
    assert list(table["objects"]) == [1, 2] * 4
    assert list(table["labels"][1]) == ["nut", "bolt"]
    assert table["bboxes"][0] == [[24.0, 12.0, 40.0, 36.0]]
    assert (table["width"][0], table["height"][0], table["split"][0]) == (64, 48, "train")
    assert explorer.vectors.shape[0] == PICTURES
    assert np.linalg.norm(explorer.vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_the_nearest_are_the_copy_and_what_looks_alike(explorer, pictures):
    similar = explorer.get_similar(idx=0, limit=3)
    assert set(names(similar.head(2))) == {"0.png", "2.png"}
    assert names(similar)[2] == "1.png"
    assert list(similar["_distance"][:2]) == pytest.approx([0, 0], abs=1e-5)
    by_file = explorer.get_similar(img=pictures.parent / "images/train/0.png", limit=3)
    assert names(by_file) == names(similar)
    assert list(by_file["_distance"]) == pytest.approx(list(similar["_distance"]), abs=1e-5)
    array = cv2.imread(str(pictures.parent / "images/train/0.png"))
    assert names(explorer.get_similar(img=array, limit=3)) == names(similar)


def test_of_several_pictures_the_mean_counts(explorer, pictures):
    folder = pictures.parent / "images/train"
    two = explorer.get_similar(img=[str(folder / "5.png"), str(folder / "7.png")], limit=8)
    assert list(two["_distance"]) == list(
        explorer.get_similar(idx=[5, 7], limit=8)["_distance"]
    ) or np.allclose(
        two["_distance"], explorer.get_similar(idx=[5, 7], limit=8)["_distance"], atol=1e-5
    )
    mean = explorer.vectors[5] + explorer.vectors[7]
    expected = 1 - explorer.vectors @ (mean / np.linalg.norm(mean))
    assert list(two["_distance"]) == pytest.approx(np.sort(expected).tolist(), abs=1e-5)


def test_questions_in_sql(explorer):
    assert names(explorer.sql_query("WHERE labels LIKE '%bolt%'")) == [
        f"{i}.png" for i in (1, 3, 5, 7)
    ]
    counted = explorer.sql_query("SELECT count(*) AS n FROM 'table' WHERE objects > 1;")
    assert counted["n"].tolist() == [4]
    rows = explorer.sql_query(
        "SELECT idx FROM 'table', json_each(labels) WHERE value = 'bolt'", return_type="rows"
    )
    assert rows == [{"idx": 1}, {"idx": 3}, {"idx": 5}, {"idx": 7}]
    nothing = explorer.sql_query("WHERE labels LIKE '%cow%'")
    assert len(nothing) == 0
    assert "im_file" in nothing.columns


@pytest.mark.parametrize(
    "question",
    [
        "DELETE FROM images",
        "UPDATE images SET split = 'val'",
        "DROP TABLE vectors",
        "PRAGMA writable_schema = 1",
        "ATTACH DATABASE '/tmp/other.db' AS other",
        "SELECT load_extension('anything')",
        "WHERE idx = 0; DELETE FROM images",
        "SELECT * FROM nothing",
        "SELECT no_column FROM 'table'",
        "which images show a bolt?",
    ],
)
def test_a_question_only_reads(explorer, question):
    with pytest.raises(ConfigError, match="cannot be answered"):
        explorer.sql_query(question)
    assert len(explorer.store) == PICTURES


def test_a_question_without_end_is_ended(explorer, monkeypatch):
    monkeypatch.setattr("engine.explorer.embedding_store.MAX_SECONDS", 0.05)
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    )
    with pytest.raises(ConfigError, match="too long"):
        explorer.sql_query(endless)


def test_how_many_are_near(explorer):
    rows = explorer.similarity_index(max_dist=1e-4, return_type="rows")
    assert {(row["idx"], row["count"]) for row in rows if row["count"]} == {(0, 1), (2, 1)}
    assert rows[0]["sim_im_files"][0].endswith("2.png")
    everything = explorer.similarity_index(max_dist=2)
    assert set(everything["count"]) == {PICTURES - 1}
    assert set(explorer.similarity_index(max_dist=2, top_k=0.25)["count"]) == {2}
    for wrong in ({"max_dist": -1}, {"top_k": 0}, {"top_k": 3}):
        with pytest.raises(ConfigError, match="max_dist"):
            explorer.similarity_index(**wrong)


def test_pictures_of_results(explorer):
    sheet = explorer.plot_similar(idx=0, limit=4)
    plain = explorer.plot_similar(idx=0, limit=4, labels=False)
    assert sheet.size == plain.size
    assert (np.asarray(sheet) != np.asarray(plain)).any()  # the boxes
    assert explorer.plot_sql_query("WHERE objects = 2").size == sheet.size
    assert explorer.plot_sql_query("WHERE objects = 99").size[0] > 0
    with pytest.raises(ConfigError, match="im_file"):
        explorer.plot_sql_query("SELECT idx FROM 'table'")
    assert min(explorer.plot_similarity_index(0.5).size) > 100


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "exactly one"),
        ({"img": "a.png", "idx": 0}, "exactly one"),
        ({"idx": PICTURES}, "rows 0 to 7"),
        ({"idx": -1}, "rows 0 to 7"),
        ({"idx": 0.5}, "rows 0 to 7"),
        ({"idx": 0, "return_type": "excel"}, "pandas, arrow, rows"),
    ],
)
def test_what_cannot_be_looked_for(explorer, given, says):
    with pytest.raises(ConfigError, match=says):
        explorer.get_similar(**given)


def test_a_detector_knows_no_words(explorer):
    with pytest.raises(ModelError, match="knows no words"):
        explorer.get_similar(text="a nut")


def test_before_there_is_a_table(pictures, model, tmp_path):
    fresh = Explorer(pictures, model=model, uri=tmp_path)
    for action in (
        lambda: fresh.get_similar(idx=0),
        lambda: fresh.sql_query("WHERE idx = 0"),
        lambda: fresh.ask_ai("which?"),
    ):
        with pytest.raises(ConfigError, match="create_embeddings_table"):
            action()
    with pytest.raises(ConfigError, match="train, val, test"):
        fresh.create_embeddings_table(split="all")
    with pytest.raises(DatasetError):
        Explorer(tmp_path / "no.yaml", model=model, uri=tmp_path).create_embeddings_table()


def test_a_table_that_was_interrupted_goes_on(pictures, model, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.explorer.explorer.BATCH", 2)
    first = Explorer(pictures, model=model, uri=tmp_path, imgsz=64)
    embed, asked = first.embedder.images, []

    def breaks(source):
        if len(asked) == 2:
            raise KeyboardInterrupt
        asked.append(source)
        return embed(source)

    monkeypatch.setattr(first.embedder, "images", breaks)
    with pytest.raises(KeyboardInterrupt):
        first.create_embeddings_table()
    second = Explorer(pictures, model=model, uri=tmp_path, imgsz=64)
    seen = []
    embed_again = second.embedder.images
    monkeypatch.setattr(second.embedder, "images", lambda s: seen.extend(s) or embed_again(s))
    second.create_embeddings_table()
    assert len(seen) == PICTURES - 1 - 4  # one is a copy, four were done
    seen.clear()
    second.create_embeddings_table()
    assert not seen
    second.create_embeddings_table(force=True)
    assert len(seen) == PICTURES - 1


def test_a_damaged_picture_is_left_out(pictures, model, tmp_path, caplog):
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    for number in (0, 1, 3):
        data = (pictures.parent / "images/train" / f"{number}.png").read_bytes()
        (tmp_path / "images" / f"{number}.png").write_bytes(data[:200] if number == 1 else data)
    (tmp_path / "data.yaml").write_text(f"path: {tmp_path}\ntrain: images\nnames: [nut]\n")
    made = Explorer(tmp_path / "data.yaml", model=model, uri=tmp_path / "tables", imgsz=64)
    made.create_embeddings_table()
    assert names(made.sql_query("WHERE 1")) == ["0.png", "3.png"]
    assert "1.png" in caplog.text


def test_class_folders_are_a_data_set_too(colored_classes, model, tmp_path):
    made = Explorer(colored_classes, model=model, uri=tmp_path, imgsz=64)
    made.create_embeddings_table(split="val")
    assert made.names == ("blue", "green", "red")
    table = made.sql_query("WHERE labels LIKE '%red%'", return_type="rows")
    assert [row["labels"] for row in table] == [["red"], ["red"]]
    similar = made.get_similar(idx=table[0]["idx"], limit=2, return_type="rows")
    assert {row["labels"][0] for row in similar} == {"red"}


def test_a_damaged_table_is_said(tmp_path):
    file = tmp_path / "broken.db"
    file.write_bytes(b"no database" * 100)
    with pytest.raises(ConfigError, match="Remove the file"):
        EmbeddingStore(file).vectors()
    store = EmbeddingStore(tmp_path / "whole.db")
    store.add_vectors({b"a": np.ones(3), b"b": np.ones(4)})
    with sqlite3.connect(store.path) as connection:
        for number, digest in enumerate((b"a", b"b", b"c")):
            row = (number, "x.png", "train", 1, 1, 0, "[]", "[]", "[]", digest)
            connection.execute(f"INSERT INTO images VALUES ({','.join('?' * 10)})", row)
    connection.close()
    with pytest.raises(ConfigError, match="no vector yet"):
        store.vectors()
    store.add_vectors({b"c": np.ones(3)})
    with pytest.raises(ConfigError, match="different lengths"):
        store.vectors()


# Words


@pytest.fixture(scope="module")
def small_clip(tmp_path_factory):
    """The name of a CLIP model of a few thousand weights, drawn at random and kept in a file."""
    import open_clip

    folder = tmp_path_factory.mktemp("clip")
    described = {
        "embed_dim": 16,
        "vision_cfg": {
            "image_size": 32,
            "layers": 1,
            "width": 32,
            "patch_size": 16,
            "head_width": 16,
        },
        "text_cfg": {
            "context_length": 77,
            "vocab_size": 49408,
            "width": 16,
            "heads": 2,
            "layers": 1,
        },
    }
    (folder / "tiny-for-tests.json").write_text(json.dumps(described))
    open_clip.add_model_config(folder)
    torch.manual_seed(0)
    network = open_clip.create_model("tiny-for-tests")
    torch.save(network.state_dict(), folder / "tiny.pt")
    return f"open_clip:tiny-for-tests/{folder / 'tiny.pt'}"


def test_words_and_pictures_share_a_space(pictures, small_clip, tmp_path):
    made = Explorer(pictures, model=small_clip, uri=tmp_path)
    made.create_embeddings_table()
    assert made.vectors.shape == (PICTURES, 16)
    found = made.get_similar(text="a rusty nut", limit=PICTURES)
    words = made.embedder.phrases(["a rusty nut"])[0]
    expected = np.sort(1 - made.vectors @ words)
    assert list(found["_distance"]) == pytest.approx(expected.tolist(), abs=1e-5)
    assert list(found["_distance"]) != list(made.get_similar(text="a bolt", limit=8)["_distance"])
    copy = made.get_similar(img=pictures.parent / "images/train/0.png", limit=2)
    assert set(names(copy)) == {"0.png", "2.png"}


def test_a_clip_that_is_not_there(pictures, tmp_path):
    with pytest.raises(ModelError, match="ARCHITECTURE/WEIGHTS"):
        Explorer(pictures, model="open_clip:ViT-B-32")
    made = Explorer(pictures, model="open_clip:no-such/file.pt", uri=tmp_path)
    with pytest.raises(ModelError, match="no-such"):
        made.create_embeddings_table()


# A language model


class Service(BaseHTTPRequestHandler):
    """Answers each question with what the test wants, and remembers what it was asked."""

    answer: tuple[int, object] = (200, "")
    asked: list = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).asked.append((self.path, self.headers["Authorization"], json.loads(body)))
        status, content = type(self).answer
        text = json.dumps({"choices": [{"message": {"content": content}}]} if content else {})
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        pass


@pytest.fixture
def service(monkeypatch):
    server = HTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    Service.asked = []
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_port}/v1")
    monkeypatch.setenv("MASKWRIGHT_OFFLINE", "0")
    yield Service
    server.shutdown()
    thread.join()
    server.server_close()


def test_without_a_key_nothing_is_asked(explorer, service, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="openai_api_key"):
        explorer.ask_ai("which images show a bolt?")
    assert service.asked == []


def test_with_a_key_the_answer_is_asked_here(explorer, service, monkeypatch):
    settings.update({"openai_api_key": "secret"})
    service.answer = (
        200,
        "Here:\n```sql\nSELECT * FROM 'table' WHERE labels LIKE '%\"bolt\"%'\n```",
    )
    assert len(explorer.ask_ai("which images show a bolt?")) == 4
    path, key, asked = service.asked[0]
    assert (path, key) == ("/v1/chat/completions", "Bearer secret")
    sent = json.dumps(asked)
    assert "which images show a bolt?" in sent
    assert "nut, bolt" in sent
    assert ".png" not in sent
    service.answer = (200, "DELETE FROM images")
    with pytest.raises(ConfigError, match="no SQL"):
        explorer.ask_ai("remove them")
    for status, content in ((401, ""), (200, "")):
        service.answer = (status, content)
        with pytest.raises(ConfigError, match="gave no answer"):
            explorer.ask_ai("which?")
    monkeypatch.setenv("MASKWRIGHT_OFFLINE", "1")
    with pytest.raises(ConfigError, match="switched off"):
        explorer.ask_ai("which?")


def test_the_sql_of_an_answer():
    assert parse_answer("```\nWHERE objects > 1\n```") == "WHERE objects > 1"
    assert parse_answer("  select * from 'table'") == "select * from 'table'"
    with pytest.raises(ConfigError, match="no SQL"):
        parse_answer("I do not know.")
