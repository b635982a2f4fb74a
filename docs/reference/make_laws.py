"""Write the page and the picture of every law, and their table.

python docs/reference/make_laws.py
"""

from pathlib import Path

from scalefit.laws import catalogue
from scalefit.reports.law_pages import index_page, law_page
from scalefit.reports.law_pictures import draw_law

FOLDER = Path(__file__).with_name("laws")
#: Without the version that wrote it, so that a picture changes only with its curves.
PLAIN = {"Software": None}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for old in [*FOLDER.glob("*.md"), *FOLDER.glob("*.png")]:
        old.unlink()
    (FOLDER / "README.md").write_text(index_page(), encoding="utf-8")
    for name, law in catalogue().items():
        (FOLDER / f"{name}.md").write_text(law_page(law), encoding="utf-8")
        draw_law(law).savefig(FOLDER / f"{name}.png", dpi=75, metadata=PLAIN)
