"""Every type of the catalogue has a name that people can read."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tenterhook.domain.display_name import display_name, display_names
from tenterhook.domain.event_type import catalogue, custom_name_problem, family_of, release_of


def test_every_type_of_the_catalogue_has_a_display_name_and_no_other_has() -> None:
    assert display_names().keys() == catalogue().keys()
    assert display_name("acme.order.paid") is None


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("user.lifecycle.create", "Create user"),
        ("user.session.start", "User signs in"),
        ("group.user_membership.add", "Add user to group"),
        ("application.user_membership.add", "Assign user to app"),
        ("pam.project.add_group", "Add group to project in Privileged Access"),
        ("system.import.start", "Import started"),
        ("oauth2.as.created", "Create authorization server"),
        ("policy.rule.deactivate", "Deactivate policy rule"),
        ("app.office365.api.error.push.password", "Office 365 error: push password"),
    ],
)
def test_the_names_say_what_happens(name: str, told: str) -> None:
    assert display_name(name) == told


def test_no_name_is_raw_or_endless_or_given_twice() -> None:
    names = display_names()
    ugly = {name: told for name, told in names.items() if re.search(r"[_@\t]|\.\w|  ", told) or not 3 < len(told) < 100}
    assert ugly == {}
    assert [told for told in names.values() if not told[0].isupper()] == []
    assert [told for told, times in Counter(names.values()).items() if times > 1] == []


def test_every_type_has_a_family_and_a_release() -> None:
    assert {family_of(name) for name in catalogue()} >= {
        "Users",
        "Groups",
        "Applications",
        "Policies",
        "Sign-in",
        "MFA",
    }
    assert "Other" not in {family_of(name) for name in catalogue()}
    assert family_of("user.account.privilege.grant") == "Admin roles"
    assert release_of("access.request.cancel") == "2023.06.0"


@pytest.mark.parametrize("name", ["acme.order.paid", "acme.x", "a-c_me.1"])
def test_lower_case_dotted_names_can_be_ones_own(name: str) -> None:
    assert custom_name_problem(name) is None


@pytest.mark.parametrize(
    "name",
    [
        *("", "acme", "Acme.order", "acme.", ".acme", "acme..order", "acme order.paid", "acme.order\n", "1acme.order"),
        *(
            "user.lifecycle.create",
            "event_hook.mine",
            "inline_hook.x",
            "system.mine",
            "tenterhook.mine",
            "a." + "b" * 254,
        ),
    ],
)
def test_other_names_cannot(name: str) -> None:
    assert custom_name_problem(name)
