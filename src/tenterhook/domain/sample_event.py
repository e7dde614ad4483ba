"""A believable log event of any type: the same for the same type, with addresses and names that nobody has.

The longest beginning of the type's name that `_SCENES` knows says who acts, on what, and what a debugger would see; the
words in the name say how it ended.
Source: RFC 5737 (addresses), RFC 2606 (example.com); okta/system-log.md §7 (fields and their values).
"""

from __future__ import annotations

from typing import Any

import msgspec

from tenterhook.domain.display_name import display_name
from tenterhook.domain.event_type import longest_match
from tenterhook.domain.log_event import Tree, filled
from tenterhook.domain.sample_thing import ADMIN, AGENT_IN, APP, APP_USER, CLIENT, GROUP, SERVER, THINGS, USER, thing

_FAILED = ("fail", "error", "invalid", "denied", "deny_", "_not_", "not_found", "missing", "violation", "mismatch")
_WARNED = ("warn", "limit", "threat", "attack", "suspicious", "reuse", "risk", "bypass", "blocked", "breached")
_DENIED = ("deny_access", "scope_denied", "blocked", "unauth_app_access", "outside_allowed_range")


class Scene(msgspec.Struct, frozen=True):
    """Who did what to whom."""

    actor: Tree
    targets: tuple[Tree, ...]
    uri: str | None = "/api/v1/users"  #: what was called; None: no browser or client had a part in it
    debug: dict[str, str] = {}
    credential: str | None = None  #: authenticationContext.credentialType, where somebody proves something


def _job(*targets: Tree, **debug: str) -> Scene:
    return Scene(SERVER, targets, None, debug)


#: The longest beginning of a type's name decides.
_SCENES: dict[str, Scene] = {
    "": Scene(ADMIN, (thing("Resource"),), "/api/v1/resources"),
    "user": Scene(ADMIN, (USER,)),
    "user.account": Scene(USER, (USER,), "/api/v1/users/me", {"changedAttributes": "mobilePhone,title"}),
    "user.account.update_password": Scene(USER, (USER,), "/api/v1/users/me/credentials/change_password"),
    "user.account.lock": Scene(USER, (USER,), "/api/v1/authn", {"threatSuspected": "false"}, "PASSWORD"),
    "user.account.privilege": Scene(
        ADMIN, (USER, thing("ROLE")), "/api/v1/users/{userId}/roles", {"privilegeGranted": "Help desk administrator"}
    ),
    "user.session": Scene(
        USER,
        (thing("AuthenticatorEnrollment"), APP),
        "/api/v1/authn",
        {"authnRequestId": "req-1sample0authn001", "threatSuspected": "false", "risk": "{level=LOW}"},
        "PASSWORD",
    ),
    "user.session.impersonation": Scene(ADMIN, (USER,), "/api/v1/sessions"),
    "user.authentication": Scene(
        USER, (APP, APP_USER), "/app/example_crm/sso/saml", {"authnRequestId": "req-1sample0authn001"}, "PASSWORD"
    ),
    "user.authentication.auth_via_mfa": Scene(
        USER,
        (USER, thing("AuthenticatorEnrollment")),
        "/api/v1/authn/factors/verify",
        {"factor": "OKTA_VERIFY_PUSH"},
        "OTP",
    ),
    "user.mfa": Scene(
        USER,
        (USER, thing("AuthenticatorEnrollment")),
        "/api/v1/users/me/factors",
        {"factor": "OKTA_VERIFY_PUSH"},
        "OTP",
    ),
    "user.credential": Scene(USER, (USER, thing("AuthenticatorEnrollment")), "/idp/myaccount/authenticators"),
    "user.device_session": Scene(USER, (USER, thing("Device")), "/api/v1/devices"),
    "user.risk": Scene(
        SERVER, (USER,), None, {"risk": "{previousLevel=LOW, level=HIGH}", "reasons": "Sign-in from an unusual place"}
    ),
    "personal": Scene(USER, (USER,), "/api/v1/users/me"),
    "scheduled_action": _job(USER, scheduledAction="SUSPEND"),
    "group": Scene(ADMIN, (GROUP,), "/api/v1/groups"),
    "group.user_membership": Scene(ADMIN, (USER, GROUP), "/api/v1/groups/{groupId}/users/{userId}"),
    "group.user_membership.rule": _job(thing("GroupRule"), USER, GROUP),
    "group.application_assignment": Scene(ADMIN, (GROUP, APP), "/api/v1/apps/{appId}/groups/{groupId}"),
    "group.privilege": Scene(
        ADMIN, (GROUP, thing("ROLE")), "/api/v1/groups/{groupId}/roles", {"privilegeGranted": "Group administrator"}
    ),
    "iam": Scene(ADMIN, (thing("ROLE"), thing("ResourceSet")), "/api/v1/iam"),
    "app": Scene(ADMIN, (APP,), "/api/v1/apps"),
    "app.ad": Scene(SERVER, (AGENT_IN, USER), None),
    "app.ldap": Scene(SERVER, (AGENT_IN, USER), None),
    "app.office365": _job(APP, USER),
    "app.radius": _job(AGENT_IN, APP),
    "app.realtimesync": _job(APP, USER),
    "app.oauth2": Scene(
        CLIENT,
        (thing("access_token"), USER),
        "/oauth2/v1/token",
        {
            "grantType": "authorization_code",
            "grantedScopes": "openid, profile",
            "clientAuthType": "client_secret_basic",
        },
        "OAuth 2.0",
    ),
    "app.oauth2.client": Scene(ADMIN, (CLIENT,), "/oauth2/v1/clients"),
    "app.oauth2.credentials": Scene(ADMIN, (CLIENT, thing("ClientSecret")), "/oauth2/v1/clients"),
    "app.oauth2.signon": Scene(USER, (APP, APP_USER), "/oauth2/v1/authorize", {}, "PASSWORD"),
    "app.user_management": _job(APP, USER, GROUP),
    "application": Scene(ADMIN, (APP,), "/api/v1/apps/{appId}"),
    "application.user_membership": Scene(ADMIN, (APP_USER, APP, USER), "/api/v1/apps/{appId}/users"),
    "application.provision": _job(APP, APP_USER, USER),
    "application.provision.group": _job(APP, GROUP),
    "application.provision.group_push": _job(APP, GROUP),
    "application.policy": Scene(USER, (APP, thing("PolicyEntity"), thing("PolicyRule")), "/app/example_crm/sso/saml"),
    "master_application": _job(APP, USER),
    "oauth2": Scene(ADMIN, (thing("AuthorizationServer"),), "/api/v1/authorizationServers"),
    "resource_servers": Scene(ADMIN, (thing("ResourceServer"),), "/api/v1/resource-servers"),
    "policy": Scene(ADMIN, (thing("PolicyEntity"),), "/api/v1/policies"),
    "policy.rule": Scene(ADMIN, (thing("PolicyEntity"), thing("PolicyRule")), "/api/v1/policies/{policyId}/rules"),
    "policy.evaluate_sign_on": Scene(
        USER, (thing("PolicyEntity"), thing("PolicyRule"), APP), "/api/v1/authn", {"risk": "{level=LOW}"}, "PASSWORD"
    ),
    "policy.continuous_access": Scene(SERVER, (USER, thing("PolicyEntity"), thing("PolicyRule")), None),
    "policy.entity_risk": Scene(SERVER, (USER, thing("PolicyEntity"), thing("PolicyRule")), None),
    "policy.scheduled": _job(thing("PolicyEntity")),
    "device": Scene(ADMIN, (thing("Device"), USER), "/api/v1/devices"),
    "device.enrollment": Scene(USER, (thing("Device"), USER), "/api/v1/devices"),
    "mim": Scene(USER, (thing("Device"), USER), "/api/v1/devices"),
    "credential": Scene(USER, (USER, thing("Certificate")), "/api/v1/users/me/credentials"),
    "pki": Scene(ADMIN, (thing("Certificate"),), "/api/v1/certificateAuthorities"),
    "security": Scene(SERVER, (USER,), "/api/v1/authn", {"threatSuspected": "true"}),
    "security.authenticator": Scene(ADMIN, (thing("Authenticator"),), "/api/v1/authenticators"),
    "security.trusted_origin": Scene(ADMIN, (thing("TrustedOrigin"),), "/api/v1/trustedOrigins"),
    "security.zone": Scene(ADMIN, (thing("NetworkZone"),), "/api/v1/zones"),
    "security.behavior": Scene(ADMIN, (thing("BehaviorRule"),), "/api/v1/behaviors"),
    "security.events": Scene(ADMIN, (thing("SecurityEventsProvider"),), "/api/v1/security-events-providers"),
    "zone": Scene(ADMIN, (thing("NetworkZone"),), "/api/v1/zones"),
    "network_zone": Scene(ADMIN, (thing("NetworkZone"),), "/api/v1/zones"),
    "system": Scene(ADMIN, (thing("Org"),), "/api/v1/org"),
    "system.api_token": Scene(ADMIN, (thing("Token"),), "/api/v1/api-tokens"),
    "system.agent": _job(AGENT_IN, APP, agentVersion="3.19.0"),
    "system.iwa": _job(AGENT_IN),
    "system.import": _job(APP, importTrigger="SCHEDULED", totalUsers="42"),
    "system.import.user": _job(APP, USER, importTrigger="SCHEDULED"),
    "system.import.group": _job(APP, GROUP, importTrigger="SCHEDULED"),
    "system.csv": _job(APP, USER),
    "system.identity_sources": _job(thing("IdentitySource"), USER),
    "system.email": Scene(SERVER, (USER,), None, {"emailTemplate": "forgot-password"}),
    "system.email.template": Scene(ADMIN, (thing("EmailTemplate"),), "/api/v1/brands/{brandId}/templates/email"),
    "system.email_domain": Scene(ADMIN, (thing("EmailDomain"),), "/api/v1/email-domains"),
    "system.sms": Scene(SERVER, (USER, thing("MobilePhone")), "/api/v1/authn/factors/verify", {}, "SMS"),
    "system.voice": Scene(SERVER, (USER, thing("MobilePhone")), "/api/v1/authn/factors/verify"),
    "system.push": Scene(SERVER, (USER, thing("Device")), "/api/v1/authn/factors/verify"),
    "system.idp": Scene(ADMIN, (thing("IdentityProvider"),), "/api/v1/idps"),
    "system.hook": Scene(ADMIN, (thing("HookKey"),), "/api/v1/hook-keys"),
    "system.log_stream": Scene(ADMIN, (thing("LogStream"),), "/api/v1/logStreams"),
    "system.ldapi": Scene(USER, (USER,), None, {"ldapOperation": "search"}, "PASSWORD"),
    "system.mfa": Scene(ADMIN, (thing("Authenticator"),), "/api/v1/org/factors"),
    "system.org.rate_limit": Scene(
        CLIENT, (thing("URL Pattern"),), "/api/v1/users", {"threshold": "600", "timeSpan": "1", "timeUnit": "MINUTES"}
    ),
    "system.client": Scene(
        CLIENT, (thing("URL Pattern"),), "/oauth2/v1/authorize", {"threshold": "60", "timeSpan": "1"}
    ),
    "system.operation": Scene(
        SERVER,
        (thing("Org"),),
        None,
        {
            "operationRateLimitType": "event_hook_delivery",
            "operationRateLimitScopeType": "ORG",
            "operationRateLimitThreshold": "400000",
            "operationRateLimitTimeSpan": "24",
            "operationRateLimitTimeUnit": "HOURS",
        },
    ),
    "event_hook": Scene(ADMIN, (thing("EventHook"),), "/api/v1/eventHooks"),
    "inline_hook": Scene(
        ADMIN, (thing("InlineHook"),), "/api/v1/inlineHooks", {"inlineHookType": "com.okta.oauth2.tokens.transform"}
    ),
    "inline_hook.executed": _job(thing("InlineHook"), errorMessage="The endpoint did not answer in time"),
    "access": Scene(USER, (thing("AccessRequest"), USER, APP), "/governance/api/v1/requests"),
    "certification": Scene(ADMIN, (thing("Campaign"), USER), "/governance/api/v1/campaigns"),
    "workflows": Scene(ADMIN, (thing("Flow"),), "/api/flo"),
    "workload_principal": Scene(ADMIN, (thing("WorkloadPrincipal"),), "/workload-principals/api/v1/ai-agents"),
    "pam": Scene(ADMIN, (thing("Server"), thing("Project")), "/v1/teams/example"),
    "directory": Scene(ADMIN, (thing("Schema"),), "/api/v1/meta/schemas"),
    "directory.external": _job(USER, GROUP),
    "task": Scene(ADMIN, (thing("Task"), APP), "/api/v1/tasks"),
    "support": Scene(THINGS["support"], (thing("Org"),), "/api/v1/org"),
}


def sample_event(name: str, uuid: bytes, published: int) -> Tree:
    """Return a log event of the type *name* as the log would hold it; an unknown type gets a general one."""
    scene = longest_match(name, _SCENES) or _SCENES[""]
    reference = "req-1sample0" + "".join(char for char in name if char.isalnum())[-15:].rjust(15, "0")
    result, reason, severity = _ending(name)
    tree: dict[str, Any] = {
        "actor": scene.actor,
        "client": THINGS["browser"] if scene.uri else None,
        "authenticationContext": _authentication(scene),
        "displayMessage": display_name(name),
        "eventType": name,
        "outcome": {"result": result, "reason": reason},
        "securityContext": THINGS["network"] if scene.uri else None,
        "severity": severity,
        "debugContext": {"debugData": _debug(scene, reference)},
        "transaction": {"type": "WEB" if scene.uri else "JOB", "id": reference, "detail": {}},
        "request": {"ipChain": [THINGS["hop"]]} if scene.uri else None,
        "target": list(scene.targets) or None,
    }
    return filled(msgspec.json.decode(msgspec.json.encode(tree)), uuid, published, reference)


def _ending(name: str) -> tuple[str, str | None, str]:
    """Return result, reason and severity, as the words of the type's name suggest."""
    if any(word in name for word in _DENIED):
        return "DENY", "Not allowed by policy", "WARN"
    if "rate_limit" in name and "violation" in name:
        return "DENY", "RATE_LIMIT_EXCEEDED", "WARN"
    if any(word in name for word in _FAILED):
        return "FAILURE", "VERIFICATION_ERROR", "WARN"
    return "SUCCESS", None, "WARN" if any(word in name for word in _WARNED) else "INFO"


def _debug(scene: Scene, reference: str) -> dict[str, str]:
    if scene.uri is None:
        return dict(scene.debug)
    called = {"requestId": reference, "requestUri": scene.uri, "url": f"{scene.uri}?", "dtHash": "0f" * 32}
    return called | scene.debug


def _authentication(scene: Scene) -> Tree | None:
    if scene.uri is None:
        return None
    proved = scene.credential is not None
    return {
        "authenticationProvider": "FACTOR_PROVIDER" if scene.credential in ("OTP", "SMS") else None,
        "credentialProvider": "OKTA_CREDENTIAL_PROVIDER" if proved else None,
        "credentialType": scene.credential,
        "issuer": None,
        "interface": None,
        "authenticationStep": 0,
        "externalSessionId": "1021sample0session01",
        "rootSessionId": "1021sample0session01",
    }
