"""Frames of a video as pictures: which ones, their names and times, damage, stopping and going on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.data.images import read_image
from engine.data.video.facts import is_video, read_video_facts
from engine.data.video.plan import FramePlan, colour_distance, colours
from engine.data.video.sequence_file import NAME, read_sequence
from engine.data.video.take import frames_folder, take_frames
from engine.runtime.errors import ConfigError, DatasetError, ImageError

FPS, FRAMES, CUT = 12.5, 40, 25


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Forty frames of a moving disc; the background changes at frame 25."""
    path = tmp_path / "road.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (96, 64))
    for i in range(FRAMES):
        frame = np.full((64, 96, 3), (60, 60, 60) if i < CUT else (200, 90, 20), np.uint8)
        cv2.circle(frame, (10 + 2 * i, 32), 8, (30, 200, 240), -1)
        writer.write(frame)
    writer.release()
    return path


def test_facts(video: Path) -> None:
    facts = read_video_facts(video)
    assert (facts.frames, facts.fps, facts.width, facts.height) == (FRAMES, FPS, 96, 64)
    assert facts.seconds == pytest.approx(3.2)
    assert facts.first.shape == (64, 96, 3)


def test_every_nth_frame_has_its_number_and_time(video: Path) -> None:
    told: list[tuple[int, int, int]] = []
    sequence = take_frames(video, plan=FramePlan(every=10), progress=lambda *t: told.append(t))
    assert [frame.number for frame in sequence.taken] == [0, 10, 20, 30]
    assert [frame.time_s for frame in sequence.taken] == pytest.approx([0, 0.8, 1.6, 2.4])
    assert sequence.folder == video.with_name("road_frames")
    names = [path.name for path in sorted(sequence.folder.glob("*.jpg"))]
    assert names == [frame.file for frame in sequence.taken]
    assert told[-1] == (FRAMES, FRAMES, 4)
    assert sequence.is_complete
    assert not sequence.ends_early
    assert read_sequence(sequence.folder) == sequence
    # The disc is where the frame's number says.
    third = read_image(sequence.folder / sequence.taken[2].file)
    assert third[32, 50, 2] > 200


def test_only_frames_of_another_look(video: Path) -> None:
    sequence = take_frames(video, plan=FramePlan(scene=0.3, suffix="png"))
    assert [frame.number for frame in sequence.taken] == [0, CUT]


def test_a_part_of_the_video(video: Path) -> None:
    plan = FramePlan(start_s=1.0, end_s=2.0)
    numbers = [frame.number for frame in take_frames(video, plan=plan).taken]
    assert numbers == list(range(13, 26))
    assert plan.count_in(FRAMES, FPS) == len(numbers)
    assert FramePlan(every=7).count_in(FRAMES, FPS) == 6


@pytest.mark.parametrize("scene", [None, 0.3])
def test_stopped_work_goes_on_to_the_same_end(
    video: Path, tmp_path: Path, scene: float | None
) -> None:
    plan, count = FramePlan(every=3, scene=scene), [0]

    def is_stopped() -> bool:
        count[0] += 1
        return count[0] == 20

    first = take_frames(video, tmp_path / "a", plan, is_stopped=is_stopped)
    assert not first.is_complete
    assert first.next_number == 20
    kept = {f.file: (first.folder / f.file).stat().st_mtime_ns for f in first.taken}
    second = take_frames(video, tmp_path / "a", plan)
    whole = take_frames(video, tmp_path / "b", plan)
    assert second.taken == whole.taken
    assert second.is_complete
    assert all((first.folder / name).stat().st_mtime_ns == at for name, at in kept.items())
    assert take_frames(video, tmp_path / "a", plan) == second  # nothing is left to do


def test_damaged_frames_are_left_out_and_counted(video: Path) -> None:
    data = bytearray(video.read_bytes())
    starts = [i for i in range(len(data)) if data[i : i + 3] == b"\xff\xd8\xff"]
    damaged = starts[5]
    data[damaged : damaged + 300] = bytes(300)
    video.write_bytes(data)
    sequence = take_frames(video)
    assert sequence.damaged == 1
    assert [f.number for f in sequence.taken] == [i for i in range(FRAMES) if i != 5]


def test_a_video_that_ends_early_says_so(video: Path) -> None:
    data = video.read_bytes()
    starts = [i for i in range(len(data)) if data[i : i + 3] == b"\xff\xd8\xff"]
    video.write_bytes(data[: starts[8]])
    sequence = take_frames(video)
    assert len(sequence.taken) == 8
    assert sequence.is_complete
    assert sequence.ends_early


@pytest.mark.parametrize("content", [b"", b"no video"])
def test_what_is_no_video(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=r"broken\.mp4"):
        read_video_facts(path)
    with pytest.raises(ImageError, match=r"broken\.mp4"):
        take_frames(path)
    assert list(tmp_path.iterdir()) == [path]


def test_folders_of_other_frames_are_kept_apart(video: Path, tmp_path: Path) -> None:
    one = take_frames(video, plan=FramePlan(every=20))
    assert frames_folder(video, FramePlan(every=20)) == one.folder
    assert frames_folder(video) == video.with_name("road_frames_2")
    with pytest.raises(DatasetError, match="other frames"):
        take_frames(video, one.folder)
    (one.folder / NAME).write_text("[]")
    with pytest.raises(DatasetError, match="cannot be read"):
        read_sequence(one.folder)
    assert read_sequence(tmp_path) is None


@pytest.mark.parametrize(
    "values", [{"every": 0}, {"scene": 1.0}, {"start_s": 2, "end_s": 1}, {"suffix": "gif"}]
)
def test_plans_that_cannot_be(values: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        FramePlan(**values)


def test_a_picture_that_shifts_keeps_its_colours() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    moved = np.roll(picture, 7, axis=1)
    assert colour_distance(colours(picture), colours(moved)) < 0.05
    assert colour_distance(colours(picture), colours(np.full_like(picture, 255))) > 0.9


def test_names_of_videos() -> None:
    assert is_video("a/B.MP4")
    assert not is_video("a.gif")
    assert not is_video("a.png")


def test_it_loads_no_torch() -> None:
    code = "import sys, engine.data.video.take; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
