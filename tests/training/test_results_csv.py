from __future__ import annotations

import math

from engine.training.results_csv import ResultsCsv


def test_rows_read_back_with_empty_cells_as_nan(tmp_path):
    table = ResultsCsv(tmp_path / "results.csv")
    table.append(1, 2.5, {"train/box_loss": 1.25, "metrics/mAP50(B)": None})
    table.append(2, 5.0, {"train/box_loss": 1.0, "metrics/mAP50(B)": 0.5})
    text = (tmp_path / "results.csv").read_text()
    assert text.splitlines()[0] == "epoch,time,train/box_loss,metrics/mAP50(B)"
    columns = table.read()
    assert columns["epoch"] == [1, 2]
    assert columns["train/box_loss"] == [1.25, 1.0]
    assert math.isnan(columns["metrics/mAP50(B)"][0])


def test_resuming_drops_rows_that_will_be_written_again(tmp_path):
    path = tmp_path / "results.csv"
    table = ResultsCsv(path)
    for epoch in (1, 2, 3):
        table.append(epoch, epoch, {"loss": epoch})
    with path.open("a") as file:
        file.write("4,9.")  # cut off by a kill
    table.start(epochs_done=2)
    table.append(3, 3, {"loss": 30})
    assert table.read()["loss"] == [1, 2, 30]


def test_a_new_run_in_an_old_folder_starts_with_its_own_header(tmp_path):
    table = ResultsCsv(tmp_path / "results.csv")
    table.append(1, 1, {"old": 1})
    table.start(epochs_done=0)
    table.append(1, 1, {"new": 2})
    assert list(table.read()) == ["epoch", "time", "new"]


def test_no_file_reads_as_no_columns(tmp_path):
    assert ResultsCsv(tmp_path / "results.csv").read() == {}
