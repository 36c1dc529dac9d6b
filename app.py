"""The dashboard. Read this first: what pages there are, and what surrounds every page."""

import streamlit as st

from pages.ui import address, identity, layout, links, project

st.set_page_config(page_title="Defect Distillery", page_icon=str(links.ICON), layout="wide")

identity.look()
page = st.navigation(links.navigation(identity.is_admin()), expanded=True)
address.arrive(page.url_path)
with layout.plain_errors():
    project.arrive(page.url_path)
layout.sidebar()
with layout.plain_errors():
    layout.told_project()
    links.way_up(page.url_path)
    page.run()
    address.settle()
