"""From a folder or zip to its list of parts: find out how it is laid out, and read that."""

from dataclasses import replace
from pathlib import Path

from backend.images import archives
from backend.images.folder import Folder, scan
from backend.inspection.parts.importers import good_bad, metadata_csv, mvtec
from backend.inspection.parts.importers.listing import Listing
from backend.records import Progress, UserError

LAYOUTS = ("auto", "metadata", "mvtec", "good-bad")
WHOLE = (
    "The label of a picture counts for every part found in it; where only one part is BAD, write "
    "a metadata.csv with a row for each feature."
)
WORDS = {
    "metadata": "a metadata.csv",
    "mvtec": "MVTec AD folders",
    "good-bad": "GOOD and BAD folders",
}


def read(folder: Path, layout: str, with_features: bool = True) -> Listing:
    """The parts of a folder, in the layout named or the first that fits.

    with_features: False where a detector will name the feature types. Raises UserError naming
    what does not fit.
    """
    found = scan(folder)
    chosen = _detected(found) if layout == "auto" else layout
    if chosen == "metadata":
        listing = metadata_csv.read(found, with_features)
    else:
        if chosen == "mvtec" and not mvtec.fits(found):
            raise UserError(
                f"'{folder}' has no <category>/train/good with a <category>/test beside."
            )
        listing = mvtec.read(found) if chosen == "mvtec" else good_bad.read(found)
        listing = listing if with_features else _whole_pictures(listing)
    return replace(listing, notes=(*listing.notes, *found.left_out()))


def _whole_pictures(listing: Listing) -> Listing:
    """The same pictures as places where parts of any type may lie."""
    entries = tuple(replace(one, feature="") for one in listing.entries)
    return replace(listing, entries=entries, notes=(*listing.notes, WHOLE))


def _detected(folder: Folder) -> str:
    if metadata_csv.fits(folder):
        return "metadata"
    if mvtec.fits(folder):
        return "mvtec"
    if good_bad.fits(folder):
        return "good-bad"
    raise UserError(
        f"'{folder.root}' says nowhere which parts are GOOD: metadata.csv is missing, and there "
        "are no folders called good and bad. Add one of the two."
    )


def placed(path: Path, out_dir: Path, progress: Progress) -> Path:
    """The folder to read; a zip is unpacked into the run's artifacts, where its pictures stay."""
    if path.is_dir() or not path.exists():
        return path
    into = out_dir / "artifacts" / "unpacked" / (path.stem or "parts")
    return archives.opened(path, into, progress)
