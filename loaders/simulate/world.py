"""The truths of the imaginary product: two worlds with opposite truths."""

from dataclasses import dataclass

ROLES = {
    "product manager": 0.30,
    "founder": 0.22,
    "engineer": 0.20,
    "marketer": 0.15,
    "data analyst": 0.13,
}
PLAN_LIMITS = {"free": 1_000, "growth": 10_000, "scale": None}
PAYING = ("growth", "scale")

# The events of each feature. A feature that is connected once is a milestone, not a habit.
EVENTS_OF_FEATURE = {
    "reports": {"report_loaded": 0.8, "report_created": 0.2},
    "filters": {
        "event_filter_added": 0.5,
        "user_trait_filter_added": 0.3,
        "group_trait_filter_added": 0.2,
    },
    "contacts": {"contacts_opened": 1.0},
    "groups": {"groups_opened": 1.0},
    "events": {"events_opened": 1.0},
    "audiences": {"audiences_opened": 1.0},
    "invitations": {"invited_a_teammate": 1.0},
    "": {"dark_mode_toggled": 1.0},  # not planned
}
FEATURE_WEIGHTS = {
    "reports": 0.20,
    "filters": 0.20,
    "contacts": 0.16,
    "groups": 0.12,
    "events": 0.14,
    "audiences": 0.12,
    "invitations": 0.03,
    "": 0.03,
}
ONCE = {"slack_connected": "slack", "hubspot_connected": "hubspot"}
REPORT_TYPES = [
    "Active Users",
    "Retention",
    "Activation",
    "Feature Audit",
    "Power Users",
    "Slipping Away",
]
FEATURE_OF_EVENT = {
    event: feature for feature, events in EVENTS_OF_FEATURE.items() for event in events if feature
} | ONCE
# The share of companies that ever use a feature that is not their favourite.
ADOPTION = {
    "reports": 0.85,
    "filters": 0.80,
    "contacts": 0.75,
    "groups": 0.55,
    "events": 0.70,
    "audiences": 0.50,
    "invitations": 0.60,
}
FORMER_NAMES = {"invited_a_temmate": "invited_a_teammate"}
UNPLANNED = "dark_mode_toggled"
LAST_DAYS = 30  # length of "the last 30 days"
FAVOURITE_SHARE = 0.45  # of all uses that go to the favourite feature, beside its usual weight


@dataclass(frozen=True)
class World:
    """The truths that are planted. Shares are probabilities per draw."""

    name: str
    # of a person whose company is alive this week, by role: comes back this week
    person_returns: dict[str, float]
    # of a company: alive this week, by whether it tracked groups when it signed up
    company_returns: dict[bool, float]
    invited_share: float  # of the people that join a company that is here already
    sources: dict[str, float]  # where those who came by themselves heard of us
    b2b_share: float  # of companies
    tracked_users: list[int]  # monthly active users that a customer tracks, each as likely
    quiet_share: float  # of paying companies: load next to no reports in the last 30 days
    favourites: dict[str, str]  # the feature that paying and free companies use most

    def returns(self, role: str | None) -> float:
        """Return the probability that a person of this role comes back in a week."""
        return self.person_returns.get(role or "", 0.55)


USUAL = World(
    name="usual",
    person_returns={"product manager": 0.92, "founder": 0.25},
    company_returns={True: 0.95, False: 0.45},
    invited_share=0.60,
    sources={
        "word of mouth": 0.46,
        "social media": 0.18,
        "search": 0.16,
        "newsletter": 0.12,
        "conference": 0.08,
    },
    b2b_share=0.80,
    tracked_users=[40, 60, 90, 130, 200, 300, 400, 550, 700, 850, 1300, 1900, 4000, 9000, 24000],
    quiet_share=0.20,
    favourites={"paying": "reports", "free": "contacts"},
)

OPPOSITE = World(
    name="opposite",
    person_returns={"product manager": 0.25, "founder": 0.92},
    company_returns={True: 0.45, False: 0.95},
    invited_share=0.12,
    sources={
        "word of mouth": 0.14,
        "social media": 0.52,
        "search": 0.14,
        "newsletter": 0.12,
        "conference": 0.08,
    },
    b2b_share=0.20,
    tracked_users=[20, 30, 45, 60, 90, 130, 200, 300, 400, 550, 700, 850],
    quiet_share=0.0,
    favourites={"paying": "audiences", "free": "events"},
)

WORLDS = {world.name: world for world in (USUAL, OPPOSITE)}
