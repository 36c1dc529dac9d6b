"""All pages of the section Data, with what each is for."""

from pages.ui import links

links.section_page("Data", "data")
