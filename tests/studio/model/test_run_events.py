"""Following events.jsonl: each line once, half lines later, damaged lines never."""

from __future__ import annotations

import json

from studio.model.run_events import EventTail, parse_lines, read_ends


def line(event: str, **values: object) -> bytes:
    return json.dumps({"event": event, **values}).encode() + b"\n"


def test_only_new_lines_are_read(tmp_path):
    path = tmp_path / "events.jsonl"
    tail = EventTail(path)
    assert tail.read() == []
    assert not tail.has_more
    path.write_bytes(line("a") + line("b"))
    assert [e["event"] for e in tail.read()] == ["a", "b"]
    assert tail.read() == []
    with path.open("ab") as file:
        file.write(line("c"))
    assert tail.has_more
    assert [e["event"] for e in tail.read()] == ["c"]


def test_a_half_written_line_waits_for_its_end(tmp_path):
    path = tmp_path / "events.jsonl"
    whole = line("epoch", losses={"box_loss": 1.5})
    path.write_bytes(line("a") + whole[:17])
    tail = EventTail(path)
    assert [e["event"] for e in tail.read()] == ["a"]
    assert tail.read() == []
    path.write_bytes(line("a") + whole)
    assert tail.read() == [{"event": "epoch", "losses": {"box_loss": 1.5}}]


def test_a_line_cut_by_a_kill_does_not_swallow_the_resumed_run(tmp_path):
    cut = b'{"event": "on_train_batch_end", "losses": {"box_l'
    events = parse_lines(cut + line("on_pretrain_routine_start", epochs=3) + b"\0\0\n[1]\n")
    assert events == [{"event": "on_pretrain_routine_start", "epochs": 3}]


def test_a_history_longer_than_the_limit_comes_in_pieces(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(line("e", n=n) for n in range(100)))
    tail, seen, reads = EventTail(path), [], 0
    while tail.has_more:
        seen += [e["n"] for e in tail.read(limit=256)]
        reads += 1
    assert seen == list(range(100))
    assert reads > 5


def test_a_line_longer_than_the_limit_is_stepped_over(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"x" * 1000 + b"\n" + line("after"))
    tail, seen = EventTail(path), []
    for _ in range(20):
        seen += tail.read(limit=64)
    assert [e["event"] for e in seen] == ["after"]


def test_a_file_that_began_again_is_read_from_its_start(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(line("old") * 50)
    tail = EventTail(path)
    tail.read()
    path.write_bytes(line("new"))
    assert [e["event"] for e in tail.read()] == ["new"]


def test_the_two_ends_of_a_long_file_are_enough_for_a_row(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(
        line("first") + b"".join(line("batch", n=n) for n in range(30_000)) + line("last")
    )
    events = read_ends(path)
    assert events[0]["event"] == "first"
    assert events[-1]["event"] == "last"
    assert len(events) < 15_000
    assert read_ends(tmp_path / "none.jsonl") == []
