"""Every action of the studio in one table: its name, its keys, its place in the menus, who handles it.

Menus, tool bars, the command palette and the list of shortcuts are all made from it. Keys that belong to the shape in
hand (Enter, Escape, Backspace, Delete, arrows) are the tools' own and are not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, auto

from studio.language import mark, tr


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
SUGGESTIONS = Needs.SUGGESTIONS  # on the canvas or in the gallery, whichever shows

SAFETY = (
    ActionSpec("file.save_as_file", tr("Save project as one file"), "-File", (), "save", PROJECT),
    ActionSpec("file.open_file", tr("Open project from one file"), "File", (), "folder_open"),
    ActionSpec("file.restore_backup", tr("Restore a backup"), "File", (), "history", PROJECT),
    ActionSpec("file.reopen", tr("Try to open for editing again"), "", (), "", PROJECT),
)

FILE = (
    ActionSpec(
        "file.open_folder", tr("Open folder of images"), "File", ("Ctrl+O", "Ctrl+U"), "folder"
    ),
    ActionSpec("file.open_dataset", tr("Open data set"), "File", ("Ctrl+Shift+O",), "dataset"),
    ActionSpec("file.open_project", tr("Open project"), "File", (), "folder_open"),
    ActionSpec("file.open_sample", tr("Open the sample project"), "File", (), "images"),
    ActionSpec("file.add_images", tr("Add a folder of images"), "-File", (), "add", PROJECT),
    ActionSpec(
        "file.import_labels", tr("Import labels"), "File", ("Ctrl+Alt+I",), "import", PROJECT
    ),
    ActionSpec(
        "file.import_folder", tr("Import a folder of labels"), "File", (), "import", PROJECT
    ),
    ActionSpec(
        "file.export_dataset", tr("Export data set"), "File", ("Ctrl+Shift+E",), "export", PROJECT
    ),
    *SAFETY,
    ActionSpec(
        "file.save", tr("Save (everything is saved already)"), "-File", ("Ctrl+S",), "", PROJECT
    ),
    ActionSpec("file.close_project", tr("Close project"), "File", ("Ctrl+W",), "", PROJECT),
    ActionSpec("file.quit", tr("Quit"), "-File", ("Ctrl+Q",), ""),
)

EDIT = (
    ActionSpec("edit.undo", tr("Undo"), "Edit", ("Ctrl+Z",), "undo", PROJECT | Needs.UNDO),
    ActionSpec(
        "edit.redo", tr("Redo"), "Edit", ("Ctrl+Shift+Z", "Ctrl+Y"), "redo", PROJECT | Needs.REDO
    ),
    ActionSpec("edit.copy", tr("Copy shapes"), "-Edit", ("Ctrl+C",), "copy", SELECTION),
    ActionSpec("edit.paste", tr("Paste shapes in place"), "Edit", ("Ctrl+V",), "paste", IMAGE),
    ActionSpec("edit.duplicate", tr("Duplicate shapes"), "Edit", ("Ctrl+D",), "copy", SELECTION),
    ActionSpec(
        "edit.copy_to_next",
        tr("Copy shapes to the next image"),
        "Edit",
        ("Ctrl+Shift+C",),
        "",
        IMAGE,
    ),
    ActionSpec(
        "edit.repeat_last",
        tr("Repeat the last image's shapes"),
        "Edit",
        ("Ctrl+Shift+V",),
        "",
        IMAGE,
    ),
    ActionSpec("edit.select_all", tr("Select all shapes"), "-Edit", ("Ctrl+A",), "", IMAGE),
    ActionSpec(
        "edit.select_class", tr("Select all of the class"), "Edit", ("Ctrl+Shift+A",), "", IMAGE
    ),
    ActionSpec(
        "edit.select_group", tr("Select the whole group"), "Edit", ("Shift+G",), "", SELECTION
    ),
    ActionSpec("edit.invert_selection", tr("Invert selection"), "Edit", ("Ctrl+I",), "", IMAGE),
    ActionSpec(
        "edit.class",
        tr("Change class of the selected shapes"),
        "-Edit",
        ("Ctrl+E",),
        "tag",
        SELECTION,
    ),
    ActionSpec("edit.delete", tr("Delete selected shapes"), "Edit", (), "delete", SELECTION),
    ActionSpec(
        "edit.background",
        tr("Mark as background (no objects)"),
        "-Edit",
        ("Shift+B",),
        "image",
        IMAGE,
    ),
    ActionSpec(
        "edit.image_class", tr("Class of the whole image"), "Edit", ("Shift+I",), "tag", IMAGE
    ),
    ActionSpec(
        "edit.remove_image", tr("Remove image from project"), "Edit", ("Ctrl+Shift+Del",), "", IMAGE
    ),
)

SHAPE = (
    ActionSpec("shape.order:front", tr("Bring to front"), "Shape", ("Ctrl+Shift+]",), "", SELECTION, argument="front"),
    ActionSpec("shape.order:forward", tr("Bring forward"), "Shape", ("Ctrl+]",), "", SELECTION, argument="forward"),
    ActionSpec("shape.order:backward", tr("Send backward"), "Shape", ("Ctrl+[",), "", SELECTION, argument="backward"),
    ActionSpec("shape.order:back", tr("Send to back"), "Shape", ("Ctrl+Shift+[",), "", SELECTION, argument="back"),
    ActionSpec("shape.lock", tr("Lock or unlock"), "-Shape", ("Ctrl+L",), "lock", SELECTION),
    ActionSpec("shape.unlock_all", tr("Unlock all on this image"), "Shape", ("Ctrl+Shift+L",), "unlock", IMAGE),
    ActionSpec("shape.hide", tr("Hide"), "Shape", ("Ctrl+H",), "hide", SELECTION),
    ActionSpec("shape.solo", tr("Show only these (again: show all)"), "Shape", ("Shift+H",), "solo", SELECTION),
    ActionSpec("shape.show_all", tr("Show all on this image"), "Shape", ("Ctrl+Shift+H",), "show", IMAGE),
    ActionSpec("shape.group", tr("Group"), "-Shape", ("G",), "group", SELECTION),
    ActionSpec("shape.ungroup", tr("Ungroup"), "Shape", ("U",), "", SELECTION),
    ActionSpec("shape.unite", tr("Unite"), "-Shape", ("Ctrl+Shift+M",), "unite", SELECTION),
    ActionSpec("shape.subtract", tr("Subtract the others from the first"), "Shape", ("Ctrl+Shift+X",), "subtract", SELECTION),
    ActionSpec("shape.trim", tr("Make room in the first for the others"), "Shape", ("Ctrl+Alt+X",), "", SELECTION),
    ActionSpec("shape.intersect", tr("Keep what all have in common"), "Shape", ("Ctrl+Shift+I",), "intersect", SELECTION),
    ActionSpec("shape.split_parts", tr("Split into parts"), "Shape", (), "", SELECTION),
    ActionSpec("shape.fill_holes", tr("Fill holes"), "Shape", (), "", SELECTION),
    ActionSpec("shape.simplify", tr("Simplify outlines"), "Shape", ("Ctrl+Shift+S",), "simplify", SELECTION),
    ActionSpec("shape.convert:polygon", tr("Turn into polygons"), "-Shape", (), "polygon", SELECTION, argument="polygon"),
    ActionSpec("shape.convert:mask", tr("Turn into masks"), "Shape", (), "brush", SELECTION, argument="mask"),
    ActionSpec("shape.convert:box", tr("Turn into boxes"), "Shape", (), "box", SELECTION, argument="box"),
    ActionSpec("shape.convert:oriented_box", tr("Turn into rotated boxes"), "Shape", (), "oriented_box", SELECTION, argument="oriented_box"),
)  # fmt: skip

GO = (
    ActionSpec("go.next", tr("Next image"), "Go", ("D", "PgDown"), "next", PLACE),
    ActionSpec("go.previous", tr("Previous image"), "Go", ("A", "PgUp"), "previous", PLACE),
    ActionSpec("go.first", tr("First image"), "Go", ("Ctrl+Home",), "", PLACE),
    ActionSpec("go.last", tr("Last image"), "Go", ("Ctrl+End",), "", PLACE),
    ActionSpec(
        "go.next_unlabelled", tr("Next unlabelled image"), "Go", ("Ctrl+Shift+D",), "", PLACE
    ),
)

TOOLS = tuple(
    ActionSpec(f"tool.use:{name}", text, menu, keys, name, IMAGE, True, "tool", name)
    for name, text, menu, keys in (
        ("select", tr("Select and edit"), "Tools", ("V", "Ctrl+J")),
        ("smart", tr("Smart: point at the object"), "Tools", ("Q",)),
        ("polygon", tr("Polygon"), "-Tools", ("P",)),
        ("box", tr("Rectangle"), "Tools", ("R",)),
        ("oriented_box", tr("Rotated rectangle"), "Tools", ("O",)),
        ("circle", tr("Circle"), "Tools", ("Shift+C",)),
        ("ellipse", tr("Ellipse"), "Tools", ("Shift+E",)),
        ("polyline", tr("Line"), "-Tools", ("L", "Shift+L")),
        ("point", tr("Point"), "Tools", ("Shift+P",)),
        ("keypoints", tr("Keypoints of a skeleton"), "Tools", ("K",)),
        ("brush", tr("Brush"), "-Tools", ("B",)),
        ("eraser", tr("Eraser"), "Tools", ("E",)),
        ("wand", tr("Magic wand"), "Tools", ("Shift+W",)),
        ("scissors", tr("Scissors that follow edges"), "Tools", ("I",)),
        ("knife", tr("Knife: cut shapes apart"), "-Tools", ("C",)),
        ("image_class", tr("Classes of images by single keys"), "Tools", ("Shift+T",)),
    )
)
TOOLS += (
    ActionSpec("tool.step:smaller", tr("Smaller brush or tolerance"), "-Tools", ("[",), "", IMAGE, argument=-1),
    ActionSpec("tool.step:larger", tr("Larger brush or tolerance"), "Tools", ("]",), "", IMAGE, argument=1),
    ActionSpec("tool.snap", tr("Snap to shapes and borders"), "Tools", ("M",), "snap", IMAGE, True),
    ActionSpec("keypoint.describe", tr("Keypoints of the class"), "-Tools", (), "keypoints", IMAGE),
    ActionSpec("keypoint.visibility", tr("Keypoint under the cursor: visible, hidden, none"), "Tools", ("X",), "", IMAGE),
    ActionSpec("keypoint.swap", tr("Swap left and right keypoints"), "Tools", ("Shift+X",), "", SELECTION),
)  # fmt: skip

SUGGEST = (
    ActionSpec(
        "suggest.run_current",
        tr("Suggest shapes on this image"),
        "Suggest",
        ("Ctrl+G",),
        "predict",
        IMAGE,
    ),
    ActionSpec(
        "suggest.run_unlabelled",
        tr("Suggest shapes on all unlabelled images"),
        "Suggest",
        ("Ctrl+B",),
        "predict",
        PROJECT,
    ),
    ActionSpec(
        "suggest.alike:image",
        tr("Find more like the selected shapes on this image"),
        "Suggest",
        ("Ctrl+Alt+G",),
        "search",
        SELECTION,
        argument="image",
    ),
    ActionSpec(
        "suggest.alike:listed",
        tr("Find more like the selected shapes on the images of the list"),
        "Suggest",
        (),
        "search",
        SELECTION,
        argument="listed",
    ),
    ActionSpec(
        "suggest.accept",
        tr("Accept suggestion under the cursor"),
        "-Suggest",
        ("Y",),
        "accept",
        SUGGESTIONS,
    ),
    ActionSpec(
        "suggest.reject",
        tr("Reject suggestion under the cursor"),
        "Suggest",
        ("N",),
        "reject",
        SUGGESTIONS,
    ),
    ActionSpec(
        "suggest.accept_all",
        tr("Accept all suggestions here"),
        "Suggest",
        ("Shift+Y",),
        "accept",
        SUGGESTIONS,
    ),
    ActionSpec(
        "suggest.reject_all",
        tr("Reject all suggestions here"),
        "Suggest",
        ("Shift+N",),
        "reject",
        SUGGESTIONS,
    ),
)

SUGGESTION_REVIEW = (
    ActionSpec("suggest.fix", tr("Accept the suggestion and correct it"), "Suggest", ("J",), "edit", SUGGESTIONS),
    ActionSpec("page.show:review", tr("Gallery of suggestions"), "-Suggest", ("Ctrl+Alt+R",), "grid", PROJECT, True, "page", "review"),
    ActionSpec("suggest.walk", tr("Review suggestions image by image"), "Suggest", ("Shift+R",), "next", PROJECT, True),
    ActionSpec("suggest.next", tr("Next suggestion"), "Suggest", (".",), "", PLACE),
    ActionSpec("suggest.previous", tr("Previous suggestion"), "Suggest", (",",), "", PLACE),
)  # fmt: skip

VIEW = (
    ActionSpec("view.fit", tr("Fit image to window"), "View", ("F", "Ctrl+F"), "zoom_fit", IMAGE),
    ActionSpec("view.actual_size", tr("Zoom to 100 %"), "View", ("Ctrl+0",), "", IMAGE),
    ActionSpec("view.zoom_in", tr("Zoom in"), "View", ("Ctrl++", "Ctrl+="), "zoom_in", IMAGE),
    ActionSpec("view.zoom_out", tr("Zoom out"), "View", ("Ctrl+-",), "zoom_out", IMAGE),
    ActionSpec("view.shapes", tr("Show shapes"), "-View", ("H",), "show", IMAGE, True),
    ActionSpec("view.tags", tr("Show name tags"), "View", ("T",), "tag", IMAGE, True),
    ActionSpec(
        "view.canvas_only", tr("Only the canvas"), "View", ("Tab",), "", IMAGE, True, on_canvas=True
    ),
    *(
        ActionSpec(
            f"view.panel:{name}",
            tr("Show or hide {title}").format(title=title),
            "-View" if first else "View",
            (),
            "",
            PLACE,
            argument=name,
        )
        for name, title, first in (
            ("classes", tr("the classes"), True),
            ("objects", tr("the objects"), False),
            ("history", tr("the history"), False),
            ("review", tr("stage, tags and comments"), False),
        )
    ),
    ActionSpec(
        "view.theme:system",
        tr("Theme of the system"),
        "-View",
        (),
        "",
        Needs.NOTHING,
        True,
        "theme",
        "system",
    ),
    ActionSpec(
        "view.theme:light", tr("Light theme"), "View", (), "", Needs.NOTHING, True, "theme", "light"
    ),
    ActionSpec(
        "view.theme:dark", tr("Dark theme"), "View", (), "", Needs.NOTHING, True, "theme", "dark"
    ),
)

LOOKING = (
    ActionSpec("tool.use:measure", tr("Measure"), "Tools", ("Shift+M",), "measure", IMAGE, True, "tool", "measure"),
    ActionSpec("view.rulers", tr("Show rulers"), "-View", ("Ctrl+R",), "ruler", Needs.NOTHING, True),
    ActionSpec("view.minimap", tr("Show minimap"), "View", (), "minimap", Needs.NOTHING, True),
    ActionSpec("view.crosshair", tr("Show crosshair"), "View", (), "crosshair", Needs.NOTHING, True),
    ActionSpec("view.panel:display", tr("Show or hide the display settings"), "View", ("Shift+D",), "display", PLACE, argument="display"),
    ActionSpec("view.reset_display", tr("Show image as it is"), "View", (), "reset", IMAGE),
    ActionSpec("view.page:next", tr("Next page of the file"), "-Go", ("Ctrl+PgDown",), "", PLACE, argument=1),
    ActionSpec("view.page:previous", tr("Previous page of the file"), "Go", ("Ctrl+PgUp",), "", PLACE, argument=-1),
)  # fmt: skip

PAGES = (
    ActionSpec("page.show:annotate", tr("Annotate"), "-Go", ("Ctrl+1",), "annotate", Needs.NOTHING, True, "page", "annotate"),
    ActionSpec("page.show:dataset", tr("Dataset"), "Go", ("Ctrl+2",), "dataset", Needs.NOTHING, True, "page", "dataset"),
    ActionSpec("page.show:train", tr("Train"), "Go", ("Ctrl+3",), "train", Needs.NOTHING, True, "page", "train"),
    ActionSpec("page.show:models", tr("Models"), "Go", ("Ctrl+4",), "models", Needs.NOTHING, True, "page", "models"),
    ActionSpec("page.show:explore", tr("Explore"), "Go", ("Ctrl+5",), "explore", Needs.NOTHING, True, "page", "explore"),
    ActionSpec("page.show:settings", tr("Settings"), "Go", ("Ctrl+,", "Ctrl+6"), "settings", Needs.NOTHING, True, "page", "settings"),
)  # fmt: skip

HELP = (
    ActionSpec("help.palette", tr("Find a command"), "Help", ("Ctrl+K", "Ctrl+Shift+P"), "search"),
    ActionSpec("help.shortcuts", tr("Keyboard shortcuts"), "Help", ("F1",), "keyboard"),
    ActionSpec("help.about", tr("About Maskwright"), "-Help", (), ""),
)

REVIEW = (
    ActionSpec("review.done", tr("Done, next image"), "Review", ("Ctrl+Return",), "accept", IMAGE),
    ActionSpec("review.skip", tr("Skip, next image"), "Review", ("Ctrl+Alt+Return",), "next", IMAGE),
    ActionSpec("review.next_open", tr("Next image that is not done"), "Review", ("Ctrl+Alt+D",), "", PLACE),
    ActionSpec("review.approve", tr("Approve, next to review"), "-Review", ("Ctrl+Shift+Return",), "accept_all", IMAGE),
    ActionSpec("review.reject", tr("Reject with a reason"), "Review", ("Ctrl+Shift+Backspace",), "reject", IMAGE),
    ActionSpec("review.next", tr("Next image to review"), "Review", ("Ctrl+Shift+R",), "", PLACE),
)  # fmt: skip

SEQUENCE = (
    ActionSpec("file.import_video", tr("Import a video as images"), "File", ("Ctrl+Alt+O",), "video"),
    ActionSpec("file.split_pages", tr("Make images of this file's pages"), "File", (), "", PLACE),
    ActionSpec("sequence.follow", tr("Follow the shapes through the next images"), "Sequence", ("Ctrl+Shift+F",), "follow", SELECTION),
    ActionSpec("sequence.fill", tr("Fill in between key frames"), "Sequence", ("Ctrl+Shift+K",), "", SELECTION),
    ActionSpec("sequence.number", tr("Number the shapes as tracks"), "Sequence", ("Ctrl+Alt+T",), "", SELECTION),
    ActionSpec("sequence.key:next", tr("Next key frame of the track"), "-Sequence", ("Shift+PgDown",), "", SELECTION, argument=1),
    ActionSpec("sequence.key:previous", tr("Previous key frame of the track"), "Sequence", ("Shift+PgUp",), "", SELECTION, argument=-1),
)  # fmt: skip

DATASET = (
    ActionSpec("dataset.show:images", tr("All images"), "-Go", ("Ctrl+Shift+2",), "grid", PROJECT, argument="images"),
    ActionSpec("dataset.show:duplicates", tr("Find duplicates"), "Go", (), "copy", PROJECT, argument="duplicates"),
    ActionSpec("dataset.show:files", tr("Find missing files"), "Go", (), "search", PROJECT, argument="files"),
)  # fmt: skip

LEARNING = (
    ActionSpec("dataset.show:next", tr("What should I label next?"), "-Review", ("Ctrl+Alt+N",), "smart", PROJECT, argument="next"),
    ActionSpec("dataset.show:check", tr("What looks wrong in the labels?"), "Review", ("Ctrl+Alt+W",), "search", PROJECT, argument="check"),
)  # fmt: skip

CLASS_KEYS = tuple(
    ActionSpec(
        f"class.choose:{n}", tr("Class {n}").format(n=n), "", (str(n),), "", PLACE, argument=n - 1
    )
    for n in range(1, 10)
)

ACTIONS: tuple[ActionSpec, ...] = (
    *FILE, *EDIT, *SHAPE, *GO, *TOOLS, *SUGGEST, *SUGGESTION_REVIEW, *VIEW, *LOOKING, *PAGES, *REVIEW, *SEQUENCE, *DATASET, *LEARNING, *HELP, *CLASS_KEYS,
)  # fmt: skip
MENUS = (
    mark("File"), mark("Edit"), mark("View"), mark("Go"), mark("Shape"), mark("Tools"), mark("Suggest"), mark("Sequence"), mark("Review"),
    mark("Help"),
)  # fmt: skip
