"""The dashboard. Read this first: what pages there are, and what surrounds every page."""

import streamlit as st

from pages.ui import layout, links

st.set_page_config(page_title="Defect Distillery", page_icon=str(links.ICON), layout="wide")

page = st.navigation(links.navigation(), expanded=True)
layout.sidebar()
with layout.plain_errors():
    page.run()
