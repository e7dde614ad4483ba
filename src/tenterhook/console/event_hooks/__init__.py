"""Workflow › Event Hooks: the list, one hook, its form, its verification and its preview."""

PATH = "/console/event-hooks"
