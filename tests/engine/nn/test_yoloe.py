"""Models with an open vocabulary: prompts, the forms they are stored in, and the reference outputs."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from engine.nn import foreign
from engine.nn.checkpoint import load_checkpoint, save_checkpoint
from engine.nn.fuse import fuse
from engine.nn.inert import Inert
from engine.nn.open_vocabulary import check_names
from engine.nn.pickle_reader import PickleReader
from engine.nn.tasks import YOLOEModel, YOLOESegModel, build_model
from engine.runtime.errors import CheckpointError, ModelError

NAMES = ["cat", "red bus", "tall tree"]


def made(name, nc=None):
    """An untrained model whose scores differ from cell to cell and from class to class."""
    torch.manual_seed(0)
    model = build_model(name, nc=nc, verbose=False).eval()
    with torch.no_grad():
        for key, part in model.named_modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean.normal_(0, 0.1)
                part.running_var.uniform_(0.5, 1.5)
            if key.endswith(tuple(f"cv4.{level}" for level in range(3))) and ".savpe" not in key:
                part.bias.fill_(-1.0)
                part.logit_scale.fill_(0.5)
        model.head.reprta.m.w3.weight.normal_(0, 0.05)
    return model


@pytest.fixture(scope="module")
def _segmenter():
    return made("yoloe-11n-seg.yaml")


@pytest.fixture(scope="module")
def _two_sided():
    return made("yoloe-26n-seg.yaml")


@pytest.fixture
def segmenter(_segmenter):
    return copy.deepcopy(_segmenter)


@pytest.fixture
def two_sided(_two_sided):
    return copy.deepcopy(_two_sided)


@pytest.fixture
def images():
    torch.manual_seed(1)
    return torch.rand(1, 3, 64, 96)


def words(count=3, seed=2):
    generator = torch.Generator().manual_seed(seed)
    return nn.functional.normalize(torch.randn(1, count, 512, generator=generator), dim=-1)


class Encoder:
    """A text encoder whose vectors are told by the letters of a phrase."""

    name = "letters"

    def __init__(self, dimension=512):
        self.dimension = dimension

    def encode(self, phrases):
        rows = [words(1, seed=sum(map(ord, p)))[0, 0, : self.dimension] for p in phrases]
        return nn.functional.normalize(torch.stack(rows), dim=-1)


def run(model, images, **prompts):
    with torch.no_grad():
        return model(images, **prompts)


def tensors(output):
    """All tensors of an output under their place in it, without the feature maps."""
    if isinstance(output, torch.Tensor):
        return {"": output}
    pairs = output.items() if isinstance(output, dict) else enumerate(output)
    return {
        f"{key}.{place}".strip("."): value
        for key, part in pairs
        if key != "feats"
        for place, value in tensors(part).items()
    }


def assert_same(given, expected, tolerance=1e-4):
    given, expected = tensors(given), tensors(expected)
    assert given.keys() == expected.keys()
    for place, value in expected.items():
        torch.testing.assert_close(
            given[place], value, rtol=tolerance, atol=tolerance, msg=lambda m, p=place: f"{p}: {m}"
        )


# Prompts


def test_classes_are_those_given_with_the_images(segmenter, images):
    (final, proto), raw = run(segmenter, images, tpe=words(5))
    assert final.shape == (1, 4 + 5 + 32, 126)
    assert raw["scores"].shape == (1, 5, 126)
    assert proto.shape == (1, 32, 16, 24)
    assert list(raw) == ["boxes", "scores", "feats", "mask_coefficient", "proto"]
    assert raw["scores"].std(1).min() > 0


def test_text_embeddings_go_through_the_adapter_and_set_ones_do_not(segmenter, images):
    adapted = segmenter.head.get_tpe(words())
    assert not torch.allclose(adapted, words(), atol=1e-3)
    given = run(segmenter, images, tpe=words())
    segmenter.set_classes(NAMES, adapted)
    assert_same(run(segmenter, images), given)
    assert segmenter.names == dict(enumerate(NAMES))
    assert segmenter.nc == 3
    assert segmenter.head.no == 3 + 64


def test_the_order_of_the_classes_is_the_order_of_their_scores(segmenter, images):
    scores = run(segmenter, images, tpe=words())[1]["scores"]
    turned = run(segmenter, images, tpe=words().flip(1))[1]["scores"]
    torch.testing.assert_close(turned.flip(1), scores)


def test_each_image_of_a_batch_may_have_its_own_classes(segmenter, images):
    both = torch.cat((images, images.flip(3)))
    each = torch.cat((words(seed=3), words(seed=4)))
    scores = run(segmenter, both, tpe=each)[1]["scores"]
    alone = run(segmenter, both[1:], tpe=each[1:])[1]["scores"]
    torch.testing.assert_close(scores[1:], alone, rtol=1e-4, atol=1e-4)


def test_without_classes_all_scores_of_a_level_are_alike(segmenter, images):
    scores = run(segmenter, images)[1]["scores"]
    assert scores.shape == (1, 80, 126)
    torch.testing.assert_close(scores, torch.full_like(scores, -1.0))


def test_things_in_the_image_are_classes_too(segmenter, images):
    masks = torch.zeros(1, 2, 8, 12)
    masks[0, 0, 1:4, 2:6] = 1
    masks[0, 1, 5:8, 7:] = 1
    shown = segmenter.get_visual_pe(images, masks)
    assert shown.shape == (1, 2, 512)
    torch.testing.assert_close(shown.norm(dim=-1), torch.ones(1, 2))
    prompted = run(segmenter, images, vpe=masks)
    mixed = run(segmenter, images, tpe=words(), vpe=masks)[1]["scores"]
    segmenter.set_classes(["this", "that"], shown)
    assert_same(run(segmenter, images), prompted)
    torch.testing.assert_close(mixed[:, 3:], prompted[1]["scores"])


def test_text_goes_through_the_encoder_that_is_given(segmenter, images):
    embeddings = segmenter.get_text_pe(NAMES, Encoder())
    expected = segmenter.head.get_tpe(Encoder().encode(NAMES)[None])
    torch.testing.assert_close(embeddings, expected.detach())
    assert not embeddings.requires_grad


def test_the_encoder_of_the_description_is_found_by_name(segmenter, two_sided, text_encoder_file):
    assert segmenter.text_model == "mobileclip:blt"
    assert two_sided.text_model == "mobileclip2:b"
    segmenter.yaml["text_model"] = str(text_encoder_file)
    assert segmenter.get_text_pe(NAMES).shape == (1, 3, 512)


def test_an_encoder_of_another_length_is_refused(segmenter):
    with pytest.raises(ModelError, match=r"length 512, received 256 from letters.*mobileclip:blt"):
        segmenter.get_text_pe(NAMES, Encoder(256))


@pytest.mark.parametrize(
    ("names", "shape", "message"),
    [
        (["a", "b"], (1, 3, 512), r"\(1, 2, 512\) for 2 names, received \(1, 3, 512\)"),
        (["a"], (1, 256), r"received \(1, 256\)"),
        (["a"], (512,), r"received \(512,\)"),
        ("cat", (3, 512), r"list of class names, received 'cat'.*\['cat'\]"),
        ([], (0, 512), "at least one name"),
    ],
)
def test_names_and_embeddings_must_fit(segmenter, names, shape, message):
    with pytest.raises(ModelError, match=message):
        segmenter.set_classes(names, torch.ones(shape))
    assert segmenter.nc == 80


def test_masks_of_another_size_are_refused(segmenter, images):
    with pytest.raises(
        ModelError, match=r"\(B, N, 8, 12\), one cell to 8 pixels, received \(1, 2, 64, 96\)"
    ):
        segmenter.get_visual_pe(images, torch.zeros(1, 2, 64, 96))


def test_the_loss_has_four_parts(segmenter):
    segmenter.args = SimpleNamespace(box=7.5, cls=0.5, dfl=1.5, overlap_mask=True)
    assert segmenter.init_criterion().names == ("box_loss", "seg_loss", "cls_loss", "dfl_loss")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "list of class names"),
        ("nut", "list of class names"),
        (["a", "b", "a"], "'a' more than"),
    ],
)
def test_names_that_are_no_list_of_classes_are_refused(segmenter, names, message):
    with pytest.raises(ModelError, match=message):
        segmenter.set_classes(names, torch.ones(1, len(names), 512))


def test_more_names_than_a_head_takes_are_refused():
    with pytest.raises(ModelError, match="at most 1,000,000 class names, received 1,000,001"):
        check_names([""] * 1_000_001)


# The side without removal of duplicates


def test_either_side_may_answer(two_sided, images):
    (final, _), raw = run(two_sided, images, tpe=words())
    assert final.shape == (1, 4 + 3 + 32, 126)
    assert raw.keys() == {"one2many", "one2one"}
    two_sided.end2end = True
    (rows, _), _ = run(two_sided, images, tpe=words())
    assert rows.shape == (1, 126, 6 + 32)
    assert set(rows[0, :, 5].tolist()) <= {0.0, 1.0, 2.0}
    best = raw["one2one"]["scores"].sigmoid().amax()
    torch.testing.assert_close(rows[0, 0, 4], best)


def test_in_training_the_prototypes_come_without_class_logits(two_sided, images):
    raw = two_sided.train()(torch.cat((images, images)), tpe=words())
    assert raw["one2many"]["proto"].shape == (2, 32, 16, 24)
    assert raw["one2many"]["scores"].shape == (2, 3, 126)
    assert raw["one2many"]["scores"].requires_grad
    raw["one2one"]["scores"].sum().backward()
    assert two_sided.model[0].conv.weight.grad is None  # that side learns on what the other taught
    assert two_sided.head.one2one_cv3[0][2].weight.grad.abs().sum() > 0


# Forms


def test_folding_changes_nothing_but_the_classes_stay(segmenter, images):
    segmenter.set_classes(NAMES, words())
    plain = run(segmenter, images)
    size = sum(p.numel() for p in segmenter.parameters())
    segmenter.fuse()
    assert_same(run(segmenter, images), plain, 1e-3)
    assert segmenter.head.cv3[0][-1].out_channels == 3
    assert sum(p.numel() for p in segmenter.parameters()) < 0.7 * size
    for change in (
        lambda: segmenter.set_classes(["a"], words(1)),
        lambda: segmenter.get_text_pe(["a"], Encoder()),
        lambda: segmenter(images, tpe=words()),
        lambda: segmenter.get_vocab(["a"], words(1)),
    ):
        with pytest.raises(ModelError, match=r"fixed in its weights.*before fusing"):
            change()
    assert segmenter.fuse() is segmenter  # once more does no harm


@pytest.mark.parametrize("end2end", [False, True])
def test_the_side_that_answers_is_folded(two_sided, images, end2end):
    two_sided.end2end = end2end
    two_sided.set_classes(NAMES, words())
    (final, _), raw = run(two_sided, images)
    two_sided.fuse()
    (after, _), raw_after = run(two_sided, images)
    side = raw["one2one" if end2end else "one2many"]
    assert_same(raw_after["one2one"] if end2end else raw_after, side, 1e-3)
    # rows of nearly the same score may stand in another order
    torch.testing.assert_close(after[..., 4], final[..., 4], rtol=1e-3, atol=1e-3)
    assert two_sided.head.has_one2one is end2end
    assert two_sided.head.has_one2many is not end2end


def test_fused_without_classes_they_may_still_be_given(segmenter, images):
    plain = run(segmenter, images, tpe=words())
    segmenter.fuse()
    assert_same(run(segmenter, images, tpe=words()), plain, 1e-3)


def test_embeddings_of_length_one_cannot_be_folded(images):
    description = build_model("yoloe-11n.yaml", verbose=False).yaml
    rows = description["head"]
    cosine = {**description, "head": [*rows[:-1], [*rows[-1][:3], ["nc", 512, False]]]}
    model = YOLOEModel(cosine, verbose=False).eval()
    model.set_classes(NAMES, words())
    before = run(model, images)[1]["scores"]
    model.fuse()
    torch.testing.assert_close(run(model, images)[1]["scores"], before, rtol=1e-3, atol=1e-3)
    with pytest.raises(ModelError, match="cannot take classes into its convolutions"):
        model.head.fold(words())


def prompt_free(model, vocabulary, both=False):
    """The model without prompts, fused unless both sides are kept."""
    vocab = [model.get_vocab(vocabulary, words(len(vocabulary), 5))]
    if both:
        vocab.append(model.get_vocab(vocabulary, words(len(vocabulary), 5), one2one=True))
    model.set_classes(["object"], words(1, 6))
    model.head.fold(model.pe) if both else model.fuse()
    if both:
        model.set_vocab(vocab[0], vocabulary, vocab[1])
    else:
        model.set_vocab(vocab[0], vocabulary)
    return model


VOCABULARY = [f"thing {n}" for n in range(12)]


def test_a_vocabulary_names_what_the_one_class_finds(segmenter, images):
    segmenter.set_classes(VOCABULARY, words(12, 5))
    named = run(segmenter, images)
    segmenter.set_classes(["object"], words(1, 6))
    found = run(segmenter, images)[1]["scores"].sigmoid().flatten()
    model = prompt_free(made("yoloe-11n-seg.yaml"), VOCABULARY)
    conf = float(found[:96].median())
    model.head.conf = conf
    (final, proto), raw = run(model, images)
    coarsest = torch.arange(126) >= 120  # of the last level every cell is named
    expected = (found > conf) | coarsest
    assert torch.equal(raw["index"], expected)
    assert raw["boxes"].shape == (1, 64, 126)
    (wanted, wanted_proto), _ = named
    torch.testing.assert_close(final, wanted[..., expected], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(proto, wanted_proto, rtol=1e-3, atol=1e-3)
    assert model.names[11] == "thing 11"
    assert model.nc == 12


def test_at_no_confidence_every_cell_is_named(segmenter, images):
    model = prompt_free(segmenter, VOCABULARY)
    model.head.conf = 0.0
    (final, _), raw = run(model, torch.cat((images, images)))
    assert "index" not in raw
    assert final.shape == (2, 4 + 12 + 32, 126)


def test_both_sides_may_be_prompt_free(two_sided, images):
    model = prompt_free(two_sided, VOCABULARY, both=True)
    one2many = run(model, images)[1]["scores"]
    model.end2end = True
    (rows, _), raw = run(model, images)
    assert rows.shape == (1, 126, 38)
    assert not torch.allclose(raw["scores"], one2many)
    torch.testing.assert_close(rows[0, 0, 4], raw["scores"].sigmoid().amax())


def test_prompt_free_needs_one_class_and_a_fitting_vocabulary(segmenter, two_sided):
    vocab = segmenter.get_vocab(VOCABULARY, words(12))
    with pytest.raises(ModelError, match=r"single class in its convolutions.*then fuse"):
        segmenter.set_vocab(vocab, VOCABULARY)
    segmenter.set_classes(["object"], words(1))
    segmenter.fuse()
    with pytest.raises(ModelError, match="vocabulary of 3 names, received 12"):
        segmenter.set_vocab(vocab, NAMES)
    other = nn.ModuleList(nn.Conv2d(17, 12, 1) for _ in range(3))
    with pytest.raises(ModelError, match="one-to-many side was made by another model"):
        segmenter.set_vocab(other, VOCABULARY)
    two_sided.head.fold(words(1))
    with pytest.raises(ModelError, match="no vocabulary for the one-to-one side"):
        two_sided.set_vocab(vocab, VOCABULARY)


# Files


def as_is(model):
    return model


def with_classes(model):
    model.set_classes(NAMES, words())
    return model


def with_classes_fused(model):
    return fuse(with_classes(model))


def folded(model):
    return with_classes(model).fuse()


def folded_not_fused(model):
    with_classes(model).head.fold(model.pe)
    return model


def no_visual_encoder(model):
    model.head.savpe = None
    return model


def without_prompts(model):
    return prompt_free(model, VOCABULARY, both=model.head.has_one2one)


def one2one_folded(model):
    model.end2end = model.head.has_one2one
    return folded(model)


FORMS = [
    as_is,
    with_classes,
    with_classes_fused,
    folded,
    folded_not_fused,
    no_visual_encoder,
    without_prompts,
    one2one_folded,
]


def tree_of(module):
    """The inert tree that a pickled model becomes; set classes lie in it as a plain attribute."""
    prefix = "torch.nn.modules" if type(module).__module__.startswith("torch") else "ultralytics.nn"
    state = {k: v for k, v in vars(module).items() if not k.startswith("_")}
    state["_parameters"] = dict(module._parameters)
    state["_buffers"] = {k: v for k, v in module._buffers.items() if k != "pe"}
    state["_modules"] = {k: v if v is None else tree_of(v) for k, v in module._modules.items()}
    if module._buffers.get("pe") is not None:
        state["pe"] = module._buffers["pe"]
    return Inert(f"{prefix}.{type(module).__name__}", state=state)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["segmenter", "two_sided"])
def test_every_form_comes_back_from_files(request, tmp_path, images, name, form):
    model = form(request.getfixturevalue(name))
    ours = load_checkpoint(save_checkpoint(tmp_path / "x.pt", model)).model
    theirs = foreign.build_from_tree(tree_of(model), tmp_path / "x.pt").eval()
    expected = run(model, images)
    for read in (ours, theirs):
        read.end2end = model.end2end
        assert type(read) is YOLOESegModel
        assert read.names == model.names
        assert read.nc == model.nc
        assert_same(run(read, images), expected, 1e-6)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pe", torch.ones(3)),
        ("pe", torch.ones(1, 3, 17)),
        ("model.23.cv3.0.2.weight", torch.ones(())),
        ("model.23.lrpc.0.vocab.weight", torch.ones(5)),
        ("model.23.lrpc.0.vocab.weight", torch.ones(1).expand(10**9)),
        ("model.23.lrpc.1.pf.weight", torch.ones(2, 2)),
    ],
)
def test_tensors_that_fit_no_form_are_refused(segmenter, tmp_path, monkeypatch, key, value):
    model = without_prompts(segmenter) if "lrpc" in key else folded(segmenter)
    state = {**model.state_dict(), key: value}
    tree = tree_of(build_model("yoloe-11n-seg.yaml", verbose=False))
    monkeypatch.setattr(foreign, "tensors_of", lambda _: state.items())
    with pytest.raises(CheckpointError, match="do not fit"):
        foreign.build_from_tree(tree, tmp_path / "x.pt")


def test_what_a_plain_model_leaves_initial_is_told_by_its_purpose(segmenter):
    report = segmenter.load(build_model("yolo11n-seg.yaml", verbose=False))
    assert report.parts == (
        "the head's class scores",
        "the head's text prompts",
        "the head's visual prompts",
        "the head's mask coefficients",
    )


def pickled_method(module, kind, method):
    """A pickle of a method that a folded block keeps in place of its own, found on its class."""
    return f"c__builtin__\ngetattr\nc{module}\n{kind}\nV{method}\n\x86R.".encode("latin1")


def test_a_method_of_a_block_is_read_as_its_name_only():
    reader = PickleReader(
        pickled_method("ultralytics.nn.modules.block", "BNContrastiveHead", "forward_fuse")
    )
    method = reader.read()
    assert not reader.refused
    assert repr(method) == (
        "<ultralytics.nn.modules.block.BNContrastiveHead.forward_fuse, not loaded>"
    )


@pytest.mark.parametrize(("module", "kind"), [("os", "path"), ("builtins", "dict")])
def test_methods_of_anything_else_are_refused(module, kind):
    reader = PickleReader(pickled_method(module, kind, "get"))
    reader.read()
    assert "builtins.getattr" in reader.refused


# Reference outputs


@pytest.fixture(scope="module")
def reference(shared_dir):
    folder = shared_dir / "vectors"
    with np.load(folder / "yoloe-11n-seg.npz") as arrays:
        values = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    return load_checkpoint(folder / "yoloe-11n-seg.pt").model, values


def assert_recorded(output, values, prefix, tolerance):
    recorded = {
        k.removeprefix(f"{prefix}."): v for k, v in values.items() if k.startswith(f"{prefix}.")
    }
    given = tensors(output)
    assert recorded
    for place, expected in recorded.items():
        torch.testing.assert_close(given[place], expected, rtol=tolerance, atol=tolerance)


def test_reference_embeddings(reference):
    model, values = reference
    with torch.no_grad():
        adapted = model.head.get_tpe(values["tpe_raw"])
    torch.testing.assert_close(adapted, values["tpe_after_head_adapter"], rtol=1e-5, atol=1e-6)
    shown = model.get_visual_pe(values["input"], values["vp_masks"])
    torch.testing.assert_close(shown, values["visual_pe"], rtol=1e-5, atol=1e-6)


def test_reference_outputs_with_prompts(reference):
    model, values = reference
    with_text = run(model, values["input"], tpe=values["tpe_raw"])
    assert_recorded(with_text, values, "unfused", 1e-4)
    with_masks = run(model, values["input"], vpe=values["vp_masks"])
    assert_recorded(with_masks, values, "unfused_visual2", 1e-4)


def test_reference_outputs_with_set_classes(reference):
    model, values = reference
    model = copy.deepcopy(model)
    model.set_classes([f"c{n}" for n in range(80)], values["tpe_after_head_adapter"])
    assert_recorded(run(model, values["input"]), values, "unfused_setclasses", 1e-4)
    model.fuse()
    assert_recorded(run(model, values["input"]), values, "fused_setclasses", 1e-3)
