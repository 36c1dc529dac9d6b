"""All pages of the section Models, with what each is for."""

from pages.ui import links

links.section_page("Models", "models")
