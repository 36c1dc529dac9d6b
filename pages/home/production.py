"""All pages of the section Production, with what each is for."""

from pages.ui import links

links.section_page("Production", "production")
