"""The forms of rules: one function each reads the entries of its form and finds the duties they ask for (semantics.md 6.5)."""

from collections.abc import Callable, Mapping

from handover.obligations.forms.checkins import gps_term, lost_contact, two_fixes, windows
from handover.obligations.forms.limits import before, next_within, returned, short_lead, window_end, within
from handover.obligations.forms.measured import metric
from handover.obligations.forms.surroundings import abolished_code, feed_silent, linked_dispute, manifest_gap, orphan
from handover.obligations.obligation import Drafts, Scope
from handover.rules.rulebook import Rule

FORMS: Mapping[str, Callable[[Scope, Rule], Drafts]] = {
    "within": within,
    "before": before,
    "next_within": next_within,
    "returned": returned,
    "short_lead": short_lead,
    "window_end": window_end,
    "windows": windows,
    "gps_term": gps_term,
    "lost_contact": lost_contact,
    "two_fixes": two_fixes,
    "linked_dispute": linked_dispute,
    "orphan": orphan,
    "abolished_code": abolished_code,
    "feed_silent": feed_silent,
    "manifest_gap": manifest_gap,
    "metric": metric,
}
