"""What a training takes over from a file, and what it says about it."""

from __future__ import annotations

import pytest
import torch

from engine import YOLO
from engine.core.starting_weights import sentence
from engine.models.yolo.detect.train import DetectionTrainer
from engine.models.yolo.segment.train import SegmentationTrainer
from engine.nn.checkpoint import save_checkpoint
from engine.nn.partial_load import LoadReport
from engine.nn.tasks import build_model
from engine.runtime.errors import ModelError


def _file(path, name, nc=80, seed=1, fused=False):
    torch.manual_seed(seed)
    model = build_model(name, nc=nc, verbose=False).eval()
    return str(save_checkpoint(path, model.fuse() if fused else model))


def _kept(trainer, weights):
    """Name the parameters that a training starts with as they are in the weights."""
    found = {}

    def look(t):
        own = t.model.state_dict()
        found.update({k: k in own and torch.equal(own[k], v) for k, v in weights.items()})

    trainer.add_callback("on_train_start", look)
    trainer.train()
    return {k for k, same in found.items() if same}


@pytest.mark.parametrize("name", ["yolo11n.yaml", "yolo26n.yaml"])
def test_other_classes_keep_all_but_the_class_scores_and_say_so(
    make_trainer, read_events, tmp_path, name
):
    file = _file(tmp_path / "many.pt", name)
    trainer = make_trainer(model=file, epochs=1)
    weights = YOLO(file).model.state_dict()
    kept = _kept(trainer, weights)
    anew = {k.split(".")[2] for k in weights.keys() - kept}
    assert anew == ({"cv3", "one2one_cv3"} if "26" in name else {"cv3"})
    told = next(e for e in read_events(trainer.save_dir, "log") if "values" in e)
    values = told["values"]
    assert values["weights"] == "many.pt"
    assert (values["tensors"], values["anew"]) == (len(weights), ["the head's class scores"])
    assert told["message"] == (
        f"Kept {values['kept']} of {len(weights)} tensors of many.pt; what starts anew: "
        "the head's class scores (80 classes in the file, 1 in the data)."
    )
    assert trainer.pretrained


def test_the_same_classes_keep_everything(make_trainer, read_events, tmp_path):
    file = _file(tmp_path / "one.pt", "yolo11n-seg.yaml", nc=1)
    trainer = make_trainer(SegmentationTrainer, model=file, epochs=1)
    weights = YOLO(file).model.state_dict()
    assert _kept(trainer, weights) == weights.keys()
    message = read_events(trainer.save_dir, "log")[0]["message"]
    assert message == f"Kept all {len(weights)} tensors of one.pt."


def test_another_task_with_the_same_backbone_serves_through_pretrained(
    make_trainer, read_events, tmp_path
):
    file = _file(tmp_path / "boxes.pt", "yolo11n.yaml", nc=1)
    trainer = make_trainer(SegmentationTrainer, model="yolo11n-seg.yaml", pretrained=file, epochs=1)
    weights = YOLO(file).model.state_dict()
    assert _kept(trainer, weights) == weights.keys()
    message = read_events(trainer.save_dir, "log")[0]["message"]
    assert "of boxes.pt; what starts anew: the head's mask" in message
    assert "classes in the file" not in message


def test_a_trained_model_in_hand_names_its_file(make_trainer, arguments, read_events, tmp_path):
    model = YOLO(_file(tmp_path / "hand.pt", "yolov8n.yaml", nc=3))
    model.train(**arguments | {"epochs": 1, "exist_ok": True})
    message = read_events(model.trainer.save_dir, "log")[0]["message"]
    assert "of hand.pt; what starts anew: the head's class scores (3 classes" in message


def test_weights_that_do_not_fit_leave_a_random_start_and_a_warning(
    make_trainer, read_events, tmp_path
):
    file = _file(tmp_path / "cls.pt", "yolo26s-cls.yaml")
    trainer = make_trainer(model="yolov8n.yaml", pretrained=file, epochs=1)
    trainer.train()
    few = [e for e in read_events(trainer.save_dir) if "cls.pt" in e.get("message", "")]
    assert len(few) == 1
    assert not trainer.pretrained


def test_fused_weights_are_refused(make_trainer, tmp_path):
    for name in ("yolo11n.yaml", "yolo26n.yaml"):
        file = _file(tmp_path / "fused.pt", name, fused=True)
        with pytest.raises(ModelError, match="are fused"):
            make_trainer(model=file).train()


@pytest.mark.parametrize("name", ["yolo11n-pose.yaml", "yolo26n-obb.yaml", "yolo11n-seg.yaml"])
def test_a_description_for_another_task_is_refused(make_trainer, name):
    with pytest.raises(ModelError, match="expected one for detect"):
        make_trainer(model=name).train()


def test_a_trainer_of_ones_own_may_build_what_it_likes(make_trainer):
    from engine.nn.tasks import DetectionModel

    class Mine(DetectionModel):
        pass

    class MyTrainer(DetectionTrainer):
        model_class = Mine

    trainer = make_trainer(MyTrainer, epochs=1)
    trainer.train()
    assert type(trainer.model) is Mine


def test_the_sentence_names_each_case():
    some = LoadReport(("a", "b"), ("c",), ("d",), parts=("the head's boxes", "layer 3 (Conv)"))
    assert sentence("x.pt", some, (80, 2)) == (
        "Kept 2 of 4 tensors of x.pt; what starts anew: the head's boxes, layer 3 (Conv) "
        "(80 classes in the file, 2 in the data)."
    )
    assert sentence("x.pt", LoadReport(("a",)), None) == "Kept all 1 tensors of x.pt."
    assert "random weights" in sentence("x.pt", LoadReport((), ("a",)), None)


@pytest.mark.parametrize(("kind", "name"), [("segment", "yolo11n-seg"), ("segment", "yolo26n-seg")])
def test_a_file_of_another_program_is_fine_tuned(make_trainer, read_events, shared_dir, kind, name):
    trainer = make_trainer(SegmentationTrainer, model=str(shared_dir / "vectors" / f"{name}.pt"))
    trainer.train()
    message = read_events(trainer.save_dir, "log")[0]["message"]
    assert f"tensors of {name}.pt; what starts anew: the head's class scores" in message
    assert "80 classes in the file, 1 in the data" in message
    assert trainer.best.exists()
