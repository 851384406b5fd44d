"""What can be set once for all projects: the table behind the settings file and the Settings panel.

A program built on the engine adds its own keys under a namespace with a dot (``studio.theme``) through
:meth:`engine.runtime.settings.SettingsManager.register`. Arguments of one training are in ``engine.cfg``.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.runtime.errors import ConfigError
from engine.runtime.paths import data_dir

SETTINGS_VERSION = "1.0.0"
# The release in which the authors of the YOLO families publish their trained weights
WEIGHTS_URL = "https://github.com/ultralytics/assets/releases/download/v8.4.0"


@dataclass(frozen=True)
class Setting:
    """One key of the settings file.

    Attributes:
        name: The key.
        type: The Python type of the value in the file.
        default: The value of a fresh file, or a function that makes it.
        help: One or two sentences for a tooltip.
        group: The heading under which the Settings panel shows it.
        choices: The only values allowed, if not empty.
        low: The smallest number allowed.
        high: The largest number allowed.
        editable: False for what the program itself keeps here.
        secret: True for a value that is never shown or logged.
        not_yet: Why a value other than the default has no effect in this version; empty if it has.
    """

    name: str
    type: type
    default: Any
    help: str
    group: str
    choices: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    editable: bool = True
    secret: bool = False
    not_yet: str = ""

    def fresh(self) -> Any:
        """Return the default value."""
        return self.default() if callable(self.default) else self.default

    def check(self, value: Any) -> Any:
        """Return ``value`` as this setting's type.

        Text stands for a number or a truth value too, because that is what a command line has.

        Raises:
            ConfigError: It is of another type, out of range or none of the choices.
        """
        value = _as_type(self, value)
        if self.choices and value not in self.choices:
            raise ConfigError(
                f"setting {self.name} expects one of {_listed(self.choices)}, received {value!r}.",
                value=value,
            )
        low, high = self.low, self.high
        if (low is not None and value < low) or (high is not None and value > high):
            raise ConfigError(
                f"setting {self.name} expects a number from {low} to {high}, received {value!r}.",
                value=value,
            )
        return value


def _as_type(setting: Setting, value: Any) -> Any:
    if setting.type is float and type(value) is int:
        return float(value)
    if type(value) is setting.type:
        return value
    if setting.type is str and hasattr(value, "__fspath__"):
        return str(value)
    if isinstance(value, str):
        try:
            return _PARSERS[setting.type](value.strip())
        except (ValueError, KeyError):
            pass
    raise ConfigError(
        f"setting {setting.name} expects {_TYPE_NAMES.get(setting.type, setting.type.__name__)}, "
        f"received {value!r}.",
        value=value,
    )


def _parse_bool(text: str) -> bool:
    return _BOOLS[text.lower()]


def _listed(values: tuple[Any, ...]) -> str:
    return ", ".join(repr(value) for value in values)


_BOOLS = {"true": True, "1": True, "yes": True, "on": True}
_BOOLS |= {"false": False, "0": False, "no": False, "off": False}
_PARSERS: dict[type, Callable[[str], Any]] = {int: int, float: float, bool: _parse_bool, str: str}
_TYPE_NAMES = {int: "a whole number", float: "a number", bool: "True or False", str: "text"}


def _integration(name: str, title: str, not_yet: str = "") -> Setting:
    return Setting(
        name,
        bool,
        False,
        f"Report trainings to {title}, if it is installed. Nothing leaves this computer unless the "
        "service's own variables ask for it.",
        "Integrations",
        not_yet=not_yet,
    )


_OFFLINE = "this program works offline and has no such service"

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "settings_version",
        str,
        SETTINGS_VERSION,
        "Version of this file's layout.",
        "About",
        editable=False,
    ),
    Setting(
        "datasets_dir",
        str,
        "datasets",
        "Folder in which a data.yaml's relative path is looked up when it is not beside the file. "
        "A relative folder is taken from the current one.",
        "Folders",
    ),
    Setting(
        "weights_dir",
        str,
        lambda: str(data_dir() / "weights"),  # one for all working folders: files are large
        "Folder in which model files given by name alone are looked up, and into which public ones are "
        "fetched. "
        "A relative folder is taken from the current one.",
        "Folders",
    ),
    Setting(
        "runs_dir",
        str,
        "runs",
        "Folder that receives training, validation and prediction runs. "
        "A relative folder is taken from the current one; a studio project keeps its own runs.",
        "Folders",
    ),
    Setting(
        "weights_url",
        str,
        WEIGHTS_URL,
        "Where public model files come from when they are asked for by name and are not on this computer: "
        "the address of a folder on a web server (a mirror), or a folder of files for work without a "
        "network. The variable MASKWRIGHT_WEIGHTS_URL replaces it.",
        "Online",
    ),
    Setting(
        "offline",
        bool,
        False,
        "Never use the network: a model file that is not on this computer is an error at once. "
        "The variable MASKWRIGHT_OFFLINE=1 does the same.",
        "Online",
    ),
    Setting(
        "uuid",
        str,
        lambda: uuid.uuid4().hex,
        "Random name of this installation. It is never sent anywhere.",
        "About",
        editable=False,
    ),
    Setting(
        "sync",
        bool,
        False,
        "Send usage statistics and crash reports. There is nobody to send them to: it stays off.",
        "Online",
        not_yet=_OFFLINE,
    ),
    Setting(
        "api_key",
        str,
        "",
        "Key of an online service. Kept only so that files of other programs are read unchanged.",
        "Online",
        secret=True,
        not_yet=_OFFLINE,
    ),
    Setting(
        "openai_api_key",
        str,
        "",
        "Key of a language model's service, which Explorer.ask_ai asks for SQL. Nothing else is sent there. "
        "The variable OPENAI_API_KEY replaces it.",
        "Online",
        secret=True,
    ),
    Setting(
        "hub", bool, False, "Use an online model hub. There is none.", "Online", not_yet=_OFFLINE
    ),
    _integration("tensorboard", "TensorBoard"),
    _integration("wandb", "Weights & Biases"),
    _integration("mlflow", "MLflow"),
    _integration("clearml", "ClearML"),
    _integration("comet", "Comet"),
    _integration("dvc", "DVCLive"),
    _integration("neptune", "Neptune"),
    _integration("raytune", "Ray Tune", "tune(use_ray=True) reports to it without being told here"),
    Setting(
        "vscode_msg",
        bool,
        False,
        "Hints about an editor's extension on the command line. There is none.",
        "Online",
        not_yet=_OFFLINE,
    ),
    Setting(
        "openvino_msg",
        bool,
        False,
        "Hints about a faster export format on the command line. There are none.",
        "Online",
        not_yet=_OFFLINE,
    ),
)
