"""Workflow › Inline Hooks: the list, one hook, its form, and the page on which it is executed."""

PATH = "/console/inline-hooks"
