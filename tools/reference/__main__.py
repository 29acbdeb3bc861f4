"""`python -m tools.reference` writes the pages."""

from tools.reference.pages import DOCS, PAGES

if __name__ == "__main__":
    for name, make in PAGES.items():
        (DOCS / name).write_text(make())
