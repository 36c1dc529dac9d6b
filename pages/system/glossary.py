"""Glossary: the words of these pages, a sentence each."""

import pandas as pd
import streamlit as st

from backend import glossary
from pages.ui.layout import header

header(
    "Glossary",
    "The words that pages, forms, charts and reports use, and what each means. Type a "
    "word to find it.",
)
asked = st.text_input("Find", placeholder="a word, as score or AUROC").strip().lower()
rows = [(term.words, f"{term.meaning}.") for term in glossary.TERMS]
found = [row for row in rows if asked in " ".join(row).lower()]
if found:
    table = pd.DataFrame(found, columns=["word", "what it means"])
    st.table(table, border="horizontal", hide_index=True, alt="Words and their meaning")
else:
    st.info("No such word is here. Try a part of it.", icon=":material/search_off:")
