"""What a generated form asks for: one :class:`Field` for each argument of the engine or each setting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from html import escape
from typing import Any, Literal

from engine.cfg.argument import Argument
from engine.cfg.values import coerce
from engine.runtime.settings_schema import Setting
from studio.language import tr
from studio.model.preferences import CHOICE_WORDS

# How keys of settings end, and what a person calls that
_ENDINGS = {"_dir": " folder", "_url": " address"}
_NAMES = {  # of programs, as they write themselves
    "openai_api_key": "OpenAI API key", "clearml": "ClearML", "mlflow": "MLflow", "tensorboard": "TensorBoard",
    "wandb": "Weights and Biases", "dvc": "DVC", "raytune": "Ray Tune",
}  # fmt: skip
EditorKind = Literal["check", "choice", "text", "file", "folder", "secret"]


@dataclass(frozen=True)
class Field:
    """One value that a form asks for.

    Attributes:
        name: Key of the value.
        label: What the form calls it.
        help: One or two sentences for the tool tip.
        group: Heading it stands under.
        editor: The kind of control.
        default: The value of an untouched form.
        check: Turns what a control holds into the value, or raises an ``EngineError`` that says why not.
        choices: What a ``choice`` offers.
        range_text: The allowed range in words, empty without one.
        editable: False for what is shown only.
        choice_words: What choices are called that are not shown as they are typed.
    """

    name: str
    label: str
    help: str
    group: str
    editor: EditorKind
    default: Any
    check: Callable[[Any], Any]
    choices: tuple[Any, ...] = ()
    range_text: str = ""
    editable: bool = True
    choice_words: Mapping[Any, str] = field(default_factory=dict)

    @property
    def tool_tip(self) -> str:
        """Return help, range and default as rich text, which Qt breaks into lines."""
        parts = [
            self.help,
            self.range_text,
            tr("Default: {value}").format(value=self.text_of(self.default)),
        ]
        return f"<p>{'<br>'.join(escape(part) for part in parts if part)}</p>"

    def text_of(self, value: Any) -> str:
        """Return what a value is called in the form."""
        word = self.choice_words.get(value) if isinstance(value, str) else None
        return word or format_value(value)

    def matches(self, text: str) -> bool:
        """Whether every word of ``text`` occurs in the name, the label, the group or the help."""
        whole = f"{self.name} {self.label} {self.group} {self.help}".lower()
        return all(word in whole for word in text.lower().split())


def argument_fields(
    arguments: Iterable[Argument], mode: str, labels: dict[str, str] | None = None
) -> list[Field]:
    """Return the fields for engine arguments.

    Args:
        arguments: Rows of ``engine.cfg.schema``.
        mode: The mode whose defaults count.
        labels: Plain words for some names; the others are called by their name.
    """
    return [_argument_field(a, mode, (labels or {}).get(a.name, a.name)) for a in arguments]


def setting_fields(settings: Iterable[Setting]) -> list[Field]:
    """Return the fields for settings; those without effect in this version cannot be edited."""
    return [_setting_field(setting) for setting in settings]


def format_value(value: Any) -> str:
    """Return a value as a person would type it; None is ``automatic``."""
    if value is None or value == "":
        return tr("automatic") if value is None else tr("empty")
    if isinstance(value, bool):
        return tr("on") if value else tr("off")
    if isinstance(value, list | tuple):
        return ",".join(str(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _argument_field(argument: Argument, mode: str, label: str) -> Field:
    choices: tuple[Any, ...] = argument.choices
    if argument.type == "bool_or_str":
        choices = (False, True, *choices)
    elif argument.type == "bool" and argument.is_optional:
        choices = (None, True, False)  # a check box has no place for "automatic"
    elif choices and argument.is_optional:
        choices = (None, *choices)
    return Field(
        name=argument.name,
        label=label,
        help=tr(argument.help),
        group=tr(argument.group),
        editor=_editor(argument, choices),
        default=argument.default_for(mode),
        check=partial(_checked, argument),
        choices=choices,
        range_text=_range_text(argument.low, argument.high),
    )


def _checked(argument: Argument, raw: Any) -> Any:
    """An empty field of an optional argument means that the engine chooses."""
    if raw is None or (isinstance(raw, str) and not raw.strip() and argument.is_optional):
        return None
    return coerce(argument, raw)


def _editor(argument: Argument, choices: tuple[Any, ...]) -> EditorKind:
    if choices:
        return "choice"
    return _EDITORS.get(argument.type, "text")


_EDITORS: dict[str, EditorKind] = {"bool": "check", "path": "file", "bool_or_path": "file"}


def _setting_field(setting: Setting) -> Field:
    kind: EditorKind = "text"
    if setting.type is bool:
        kind = "check"
    elif setting.choices:
        kind = "choice"
    elif setting.secret:
        kind = "secret"
    elif setting.name.endswith("_dir"):
        kind = "folder"
    note = (
        tr(" Without effect: {not_yet}.").format(not_yet=setting.not_yet) if setting.not_yet else ""
    )
    return Field(
        name=setting.name,
        label=tr(setting_label(setting.name)),
        help=tr(setting.help) + note,
        group=tr(setting.group),
        editor=kind,
        default=setting.fresh() if setting.editable else None,
        check=setting.check,
        choices=setting.choices,
        range_text=_range_text(setting.low, setting.high),
        editable=setting.editable and not setting.not_yet,
        choice_words=CHOICE_WORDS.get(setting.name, {}),
    )


def setting_label(name: str) -> str:
    """Return a setting's key in words: ``studio.theme`` is Theme, ``runs_dir`` is Runs folder."""
    words = name.rsplit(".", 1)[-1]
    if words in _NAMES:
        return _NAMES[words]
    for ending, said in _ENDINGS.items():
        if words.endswith(ending):
            words = words.removesuffix(ending) + said
    return words[:1].upper() + words[1:].replace("_", " ")


def _range_text(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return ""
    if high is None:
        return tr("{low:g} or more").format(low=low)
    if low is None:
        return tr("{high:g} or less").format(high=high)
    return tr("{low:g} to {high:g}").format(low=low, high=high)
