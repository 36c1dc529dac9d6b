"""Who may do what: accounts, sessions, one-time links, rights, and the guard before the server.

A floor below `core`: the journal of actions checks rights in here before anything is done. Accounts
lie in a file of their own, `access.sqlite` in the storage folder, which no reindex touches.
"""
