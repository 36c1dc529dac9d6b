"""All pages of the section Deployment, with what each is for."""

from pages.ui import links

links.section_page("Deployment", "deployment")
