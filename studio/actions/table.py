"""Every action of the studio in one table: its name, its keys, its place in the menus, who handles it.

Menus, tool bars, the command palette and the list of shortcuts are all made from it. Keys that belong to the shape in
hand (Enter, Escape, Backspace, Delete, arrows) are the tools' own and are not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, auto


class Needs(Flag):
    """What must be there for an action to be offered."""

    NOTHING = 0
    PROJECT = auto()
    IMAGE = auto()
    SELECTION = auto()
    SUGGESTIONS = auto()
    UNDO = auto()
    REDO = auto()
    CANVAS = auto()


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action.

    Attributes:
        id: Dotted name, stable: settings and tests refer to it. The part behind the dot is the handler's name.
        text: What it does, in the user's words, as menus and the palette show it.
        menu: The menu that holds it, empty for none; a ``-`` before the name puts a line above the entry.
        keys: Shortcuts, the first one is shown.
        icon: Name for ``studio.theme.icons``, empty for none.
        needs: What must be there.
        checkable: Whether it is a state that is on or off.
        group: Actions of one group exclude one another (tools, pages).
        argument: Given to the handler, so that a family of actions shares one.
        on_canvas: Whether its keys count only while the canvas has the focus: they mean something else elsewhere.
    """

    id: str
    text: str
    menu: str = ""
    keys: tuple[str, ...] = ()
    icon: str = ""
    needs: Needs = Needs.NOTHING
    checkable: bool = False
    group: str = ""
    argument: str | int | None = None
    on_canvas: bool = False

    @property
    def handler(self) -> str:
        """The handler's name: the id with an underscore for the dot."""
        return self.id.split(":")[0].replace(".", "_")


# Keys without Ctrl are the canvas's: on another page they would change what nobody sees.
PROJECT = Needs.PROJECT
PLACE = Needs.PROJECT | Needs.CANVAS
IMAGE = Needs.IMAGE | Needs.CANVAS
SELECTION = Needs.SELECTION | Needs.CANVAS
SUGGESTIONS = Needs.SUGGESTIONS | Needs.CANVAS

SAFETY = (
    ActionSpec("file.save_as_file", "Save project as one file", "-File", (), "save", PROJECT),
    ActionSpec("file.open_file", "Open project from one file", "File", (), "folder_open"),
    ActionSpec("file.restore_backup", "Restore a backup", "File", (), "history", PROJECT),
    ActionSpec("file.reopen", "Try to open for editing again", "", (), "", PROJECT),
)

FILE = (
    ActionSpec("file.open_folder", "Open folder of images", "File", ("Ctrl+O", "Ctrl+U"), "folder"),
    ActionSpec("file.open_dataset", "Open data set", "File", ("Ctrl+Shift+O",), "dataset"),
    ActionSpec("file.open_project", "Open project", "File", (), "folder_open"),
    ActionSpec("file.open_sample", "Open the sample project", "File", (), "images"),
    ActionSpec("file.add_images", "Add a folder of images", "-File", (), "add", PROJECT),
    ActionSpec("file.import_labels", "Import labels", "File", ("Ctrl+Alt+I",), "import", PROJECT),
    ActionSpec("file.import_folder", "Import a folder of labels", "File", (), "import", PROJECT),
    ActionSpec(
        "file.export_dataset", "Export data set", "File", ("Ctrl+Shift+E",), "export", PROJECT
    ),
    *SAFETY,
    ActionSpec(
        "file.save", "Save (everything is saved already)", "-File", ("Ctrl+S",), "", PROJECT
    ),
    ActionSpec("file.close_project", "Close project", "File", ("Ctrl+W",), "", PROJECT),
    ActionSpec("file.quit", "Quit", "-File", ("Ctrl+Q",), ""),
)

EDIT = (
    ActionSpec("edit.undo", "Undo", "Edit", ("Ctrl+Z",), "undo", PROJECT | Needs.UNDO),
    ActionSpec(
        "edit.redo", "Redo", "Edit", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo", PROJECT | Needs.REDO
    ),
    ActionSpec("edit.copy", "Copy shapes", "-Edit", ("Ctrl+C",), "copy", SELECTION),
    ActionSpec("edit.paste", "Paste shapes in place", "Edit", ("Ctrl+V",), "paste", IMAGE),
    ActionSpec("edit.duplicate", "Duplicate shapes", "Edit", ("Ctrl+D",), "copy", SELECTION),
    ActionSpec(
        "edit.copy_to_next", "Copy shapes to the next image", "Edit", ("Ctrl+Shift+C",), "", IMAGE
    ),
    ActionSpec(
        "edit.repeat_last", "Repeat the last image's shapes", "Edit", ("Ctrl+Shift+V",), "", IMAGE
    ),
    ActionSpec("edit.select_all", "Select all shapes", "-Edit", ("Ctrl+A",), "", IMAGE),
    ActionSpec(
        "edit.select_class", "Select all of the class", "Edit", ("Ctrl+Shift+A",), "", IMAGE
    ),
    ActionSpec("edit.select_group", "Select the whole group", "Edit", ("Shift+G",), "", SELECTION),
    ActionSpec("edit.invert_selection", "Invert selection", "Edit", ("Ctrl+I",), "", IMAGE),
    ActionSpec(
        "edit.class", "Change class of the selected shapes", "-Edit", ("Ctrl+E",), "tag", SELECTION
    ),
    ActionSpec("edit.delete", "Delete selected shapes", "Edit", (), "delete", SELECTION),
    ActionSpec(
        "edit.background", "Mark as background (no objects)", "-Edit", ("Shift+B",), "image", IMAGE
    ),
    ActionSpec("edit.image_class", "Class of the whole image", "Edit", ("Shift+I",), "tag", IMAGE),
    ActionSpec(
        "edit.remove_image", "Remove image from project", "Edit", ("Ctrl+Shift+Del",), "", IMAGE
    ),
)

SHAPE = (
    ActionSpec("shape.order:front", "Bring to front", "Shape", ("Ctrl+Shift+]",), "", SELECTION, argument="front"),
    ActionSpec("shape.order:forward", "Bring forward", "Shape", ("Ctrl+]",), "", SELECTION, argument="forward"),
    ActionSpec("shape.order:backward", "Send backward", "Shape", ("Ctrl+[",), "", SELECTION, argument="backward"),
    ActionSpec("shape.order:back", "Send to back", "Shape", ("Ctrl+Shift+[",), "", SELECTION, argument="back"),
    ActionSpec("shape.lock", "Lock or unlock", "-Shape", ("Ctrl+L",), "lock", SELECTION),
    ActionSpec("shape.unlock_all", "Unlock all on this image", "Shape", ("Ctrl+Shift+L",), "unlock", IMAGE),
    ActionSpec("shape.hide", "Hide", "Shape", ("Ctrl+H",), "hide", SELECTION),
    ActionSpec("shape.solo", "Show only these (again: show all)", "Shape", ("Shift+H",), "solo", SELECTION),
    ActionSpec("shape.show_all", "Show all on this image", "Shape", ("Ctrl+Shift+H",), "show", IMAGE),
    ActionSpec("shape.group", "Group", "-Shape", ("G",), "group", SELECTION),
    ActionSpec("shape.ungroup", "Ungroup", "Shape", ("U",), "", SELECTION),
    ActionSpec("shape.unite", "Unite", "-Shape", ("Ctrl+Shift+M",), "unite", SELECTION),
    ActionSpec("shape.subtract", "Subtract the others from the first", "Shape", ("Ctrl+Shift+X",), "subtract", SELECTION),
    ActionSpec("shape.trim", "Make room in the first for the others", "Shape", ("Ctrl+Alt+X",), "", SELECTION),
    ActionSpec("shape.intersect", "Keep what all have in common", "Shape", ("Ctrl+Shift+I",), "intersect", SELECTION),
    ActionSpec("shape.split_parts", "Split into parts", "Shape", (), "", SELECTION),
    ActionSpec("shape.fill_holes", "Fill holes", "Shape", (), "", SELECTION),
    ActionSpec("shape.simplify", "Simplify outlines", "Shape", ("Ctrl+Shift+S",), "simplify", SELECTION),
    ActionSpec("shape.convert:polygon", "Turn into polygons", "-Shape", (), "polygon", SELECTION, argument="polygon"),
    ActionSpec("shape.convert:mask", "Turn into masks", "Shape", (), "brush", SELECTION, argument="mask"),
    ActionSpec("shape.convert:box", "Turn into boxes", "Shape", (), "box", SELECTION, argument="box"),
    ActionSpec("shape.convert:oriented_box", "Turn into rotated boxes", "Shape", (), "oriented_box", SELECTION, argument="oriented_box"),
)  # fmt: skip

GO = (
    ActionSpec("go.next", "Next image", "Go", ("D", "PgDown"), "next", PLACE),
    ActionSpec("go.previous", "Previous image", "Go", ("A", "PgUp"), "previous", PLACE),
    ActionSpec("go.first", "First image", "Go", ("Ctrl+Home",), "", PLACE),
    ActionSpec("go.last", "Last image", "Go", ("Ctrl+End",), "", PLACE),
    ActionSpec("go.next_unlabelled", "Next unlabelled image", "Go", ("Ctrl+Shift+D",), "", PLACE),
)

TOOLS = tuple(
    ActionSpec(f"tool.use:{name}", text, menu, keys, name, IMAGE, True, "tool", name)
    for name, text, menu, keys in (
        ("select", "Select and edit", "Tools", ("V", "Ctrl+J")),
        ("polygon", "Polygon", "-Tools", ("P",)),
        ("box", "Rectangle", "Tools", ("R",)),
        ("oriented_box", "Rotated rectangle", "Tools", ("O",)),
        ("circle", "Circle", "Tools", ("Shift+C",)),
        ("ellipse", "Ellipse", "Tools", ("Shift+E",)),
        ("polyline", "Line", "-Tools", ("L", "Shift+L")),
        ("point", "Point", "Tools", ("Shift+P",)),
        ("keypoints", "Keypoints of a skeleton", "Tools", ("K",)),
        ("brush", "Brush", "-Tools", ("B",)),
        ("eraser", "Eraser", "Tools", ("E",)),
        ("wand", "Magic wand", "Tools", ("Shift+W",)),
        ("scissors", "Scissors that follow edges", "Tools", ("I",)),
        ("knife", "Knife: cut shapes apart", "-Tools", ("C",)),
        ("image_class", "Classes of images by single keys", "Tools", ("Shift+T",)),
    )
)
TOOLS += (
    ActionSpec("tool.step:smaller", "Smaller brush or tolerance", "-Tools", ("[",), "", IMAGE, argument=-1),
    ActionSpec("tool.step:larger", "Larger brush or tolerance", "Tools", ("]",), "", IMAGE, argument=1),
    ActionSpec("tool.snap", "Snap to shapes and borders", "Tools", ("M",), "snap", IMAGE, True),
    ActionSpec("keypoint.describe", "Keypoints of the class", "-Tools", (), "keypoints", IMAGE),
    ActionSpec("keypoint.visibility", "Keypoint under the cursor: visible, hidden, none", "Tools", ("X",), "", IMAGE),
    ActionSpec("keypoint.swap", "Swap left and right keypoints", "Tools", ("Shift+X",), "", SELECTION),
)  # fmt: skip

SUGGEST = (
    ActionSpec(
        "suggest.run_current",
        "Suggest shapes on this image",
        "Suggest",
        ("Ctrl+G",),
        "predict",
        IMAGE,
    ),
    ActionSpec(
        "suggest.run_unlabelled",
        "Suggest shapes on all unlabelled images",
        "Suggest",
        ("Ctrl+B",),
        "predict",
        PROJECT,
    ),
    ActionSpec(
        "suggest.accept",
        "Accept suggestion under the cursor",
        "-Suggest",
        ("Y",),
        "accept",
        SUGGESTIONS,
    ),
    ActionSpec(
        "suggest.reject",
        "Reject suggestion under the cursor",
        "Suggest",
        ("N",),
        "reject",
        SUGGESTIONS,
    ),
    ActionSpec(
        "suggest.accept_all",
        "Accept all suggestions here",
        "Suggest",
        ("Shift+Y",),
        "accept",
        SUGGESTIONS,
    ),
    ActionSpec(
        "suggest.reject_all",
        "Reject all suggestions here",
        "Suggest",
        ("Shift+N",),
        "reject",
        SUGGESTIONS,
    ),
)

VIEW = (
    ActionSpec("view.fit", "Fit image to window", "View", ("F", "Ctrl+F"), "zoom_fit", IMAGE),
    ActionSpec("view.actual_size", "Zoom to 100 %", "View", ("Ctrl+0",), "", IMAGE),
    ActionSpec("view.zoom_in", "Zoom in", "View", ("Ctrl++", "Ctrl+="), "zoom_in", IMAGE),
    ActionSpec("view.zoom_out", "Zoom out", "View", ("Ctrl+-",), "zoom_out", IMAGE),
    ActionSpec("view.shapes", "Show shapes", "-View", ("H",), "show", IMAGE, True),
    ActionSpec("view.tags", "Show name tags", "View", ("T",), "tag", IMAGE, True),
    ActionSpec(
        "view.canvas_only", "Only the canvas", "View", ("Tab",), "", IMAGE, True, on_canvas=True
    ),
    *(
        ActionSpec(
            f"view.panel:{name}",
            f"Show or hide {title}",
            "-View" if first else "View",
            (),
            "",
            PLACE,
            argument=name,
        )
        for name, title, first in (
            ("classes", "the classes", True),
            ("objects", "the objects", False),
            ("history", "the history", False),
            ("review", "stage, tags and comments", False),
        )
    ),
    ActionSpec(
        "view.theme:system",
        "Theme of the system",
        "-View",
        (),
        "",
        Needs.NOTHING,
        True,
        "theme",
        "system",
    ),
    ActionSpec(
        "view.theme:light", "Light theme", "View", (), "", Needs.NOTHING, True, "theme", "light"
    ),
    ActionSpec(
        "view.theme:dark", "Dark theme", "View", (), "", Needs.NOTHING, True, "theme", "dark"
    ),
)

LOOKING = (
    ActionSpec("tool.use:measure", "Measure", "Tools", ("Shift+M",), "measure", IMAGE, True, "tool", "measure"),
    ActionSpec("view.rulers", "Show rulers", "-View", ("Ctrl+R",), "ruler", Needs.NOTHING, True),
    ActionSpec("view.minimap", "Show minimap", "View", (), "minimap", Needs.NOTHING, True),
    ActionSpec("view.crosshair", "Show crosshair", "View", (), "crosshair", Needs.NOTHING, True),
    ActionSpec("view.panel:display", "Show or hide the display settings", "View", ("Shift+D",), "display", PLACE, argument="display"),
    ActionSpec("view.reset_display", "Show image as it is", "View", (), "reset", IMAGE),
    ActionSpec("view.page:next", "Next page of the file", "-Go", ("Ctrl+PgDown",), "", PLACE, argument=1),
    ActionSpec("view.page:previous", "Previous page of the file", "Go", ("Ctrl+PgUp",), "", PLACE, argument=-1),
)  # fmt: skip

PAGES = (
    ActionSpec("page.show:annotate", "Annotate", "-Go", ("Ctrl+1",), "annotate", Needs.NOTHING, True, "page", "annotate"),
    ActionSpec("page.show:dataset", "Dataset", "Go", ("Ctrl+2",), "dataset", Needs.NOTHING, True, "page", "dataset"),
    ActionSpec("page.show:train", "Train", "Go", ("Ctrl+3",), "train", Needs.NOTHING, True, "page", "train"),
    ActionSpec("page.show:models", "Models", "Go", ("Ctrl+4",), "models", Needs.NOTHING, True, "page", "models"),
    ActionSpec("page.show:explore", "Explore", "Go", ("Ctrl+5",), "explore", Needs.NOTHING, True, "page", "explore"),
    ActionSpec("page.show:settings", "Settings", "Go", ("Ctrl+,", "Ctrl+6"), "settings", Needs.NOTHING, True, "page", "settings"),
)  # fmt: skip

HELP = (
    ActionSpec("help.palette", "Find a command", "Help", ("Ctrl+K", "Ctrl+Shift+P"), "search"),
    ActionSpec("help.shortcuts", "Keyboard shortcuts", "Help", ("F1",), "keyboard"),
    ActionSpec("help.about", "About Maskwright", "-Help", (), ""),
)

REVIEW = (
    ActionSpec("review.done", "Done, next image", "Review", ("Ctrl+Return",), "accept", IMAGE),
    ActionSpec("review.skip", "Skip, next image", "Review", ("Ctrl+Alt+Return",), "next", IMAGE),
    ActionSpec("review.next_open", "Next image that is not done", "Review", ("Ctrl+Alt+D",), "", PLACE),
    ActionSpec("review.approve", "Approve, next to review", "-Review", ("Ctrl+Shift+Return",), "accept_all", IMAGE),
    ActionSpec("review.reject", "Reject with a reason", "Review", ("Ctrl+Shift+Backspace",), "reject", IMAGE),
    ActionSpec("review.next", "Next image to review", "Review", ("Ctrl+Shift+R",), "", PLACE),
)  # fmt: skip

DATASET = (
    ActionSpec("dataset.show:images", "All images", "-Go", ("Ctrl+Shift+2",), "grid", PROJECT, argument="images"),
    ActionSpec("dataset.show:duplicates", "Find duplicates", "Go", (), "copy", PROJECT, argument="duplicates"),
    ActionSpec("dataset.show:files", "Find missing files", "Go", (), "search", PROJECT, argument="files"),
)  # fmt: skip

CLASS_KEYS = tuple(
    ActionSpec(f"class.choose:{n}", f"Class {n}", "", (str(n),), "", PLACE, argument=n - 1)
    for n in range(1, 10)
)

ACTIONS: tuple[ActionSpec, ...] = (
    *FILE, *EDIT, *SHAPE, *GO, *TOOLS, *SUGGEST, *VIEW, *LOOKING, *PAGES, *REVIEW, *DATASET, *HELP, *CLASS_KEYS,
)  # fmt: skip
MENUS = ("File", "Edit", "View", "Go", "Shape", "Tools", "Suggest", "Review", "Help")
