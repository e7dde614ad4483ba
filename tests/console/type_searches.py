"""What people type to find an event type, and one that they mean by it: on the server, and in the picker's script."""

CASES = [
    ("user created", "user.lifecycle.create"),
    ("create lifecycle", "user.lifecycle.create"),
    ("creating users", "user.lifecycle.create"),
    ("USER.lifecycle", "user.lifecycle.create"),
    ("session start", "user.session.start"),
    ("started-session", "user.session.start"),
    ("sign in", "user.session.start"),
    ("sign-in", "user.session.start"),
    ("signin", "user.session.start"),
    ("login", "user.session.start"),
    ("user.session.start", "user.session.start"),
    ("logout", "user.session.end"),
    ("membership group", "group.user_membership.add"),
    ("group_user", "group.user_membership.add"),
    ("ession.sta", "user.session.start"),
]
