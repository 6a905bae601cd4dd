"""What `access` tells, as plain values in the shape and order of JSON v1."""

from typing import TYPE_CHECKING

from resolver.report.described import Document

if TYPE_CHECKING:
    from resolver.online.answers import AccessReport, SiteAccess


def access(told: "AccessReport") -> Document:
    """What the sites said of a model and of the account that asked."""
    return {
        "reference": told.reference,
        "verdict": told.verdict,
        "sites": [_site(each) for each in told.sites],
        "notes": list(told.notes),
    }


def _site(told: "SiteAccess") -> Document:
    answer, token = told.answer, told.answer.token
    return {
        "site": answer.site,
        "target": answer.target,
        "revision": answer.revision,
        "named": answer.named,
        "page": answer.page,
        "host": answer.host or None,
        "token": {"state": token.state, "source": token.source or None, "account": token.account, "role": token.role},
        "exists": answer.exists,
        "revision_exists": answer.revision_exists,
        "resolved": answer.resolved,
        "gate": answer.gate,
        "grant": answer.grant,
        "said": answer.said or None,
        "trouble": answer.trouble or None,
        "verdict": answer.verdict,
        "message": told.message,
        "evidence": list(told.evidence),
        "consequence": told.consequence,
        "fix": {"text": told.fix.text, "command": told.fix.command},
    }
