"""What of a section stands in the sidebar, and how its other pages are reached."""

from pages.ui import links
from tests.pages.test_pages import open_page


def test_at_most_four_pages_of_a_section_stand_in_the_sidebar_and_its_page_lists_all(
    empty_dashboard,
):
    for section, entries in links.SECTIONS.items():
        shown = [entry for entry in entries if entry.shown]
        assert len(shown) <= links.OPEN, section
        if len(shown) == len(entries):
            continue
        app = open_page(f"pages/home/{section.lower()}.py")
        listed = {link.label for link in app.get("page_link")}
        wanted = {f"**{entry.title}**" for entry in entries if entry.kind or entry.words}
        assert wanted <= listed


def test_a_page_that_the_sidebar_does_not_show_leads_back_to_its_section(empty_dashboard):
    app = open_page("pages/detection/testset.py")
    assert "Data" in {link.label for link in app.get("page_link")}
