"""A seed that contradicts itself or names something unknown stops the build, and says where."""

PLAN = [
    {"event": "opened", "former_names": "opned"},
    {"event": "paid", "former_names": "bought;opned"},
    {"event": "paid", "counts_as_active": "perhaps"},
    {"event": None, "expected_side": "both"},
]
TRAITS = [
    {"entity": "user", "trait": "jobTitle", "type": "string"},
    {"entity": "user", "trait": "job title", "type": "text"},
    {"entity": "team", "trait": "size", "type": "number", "required": "often"},
    {"entity": "company", "trait": "city", "type": "string", "former_names": "town"},
    {"entity": "company", "trait": "place", "type": "string", "former_names": "town"},
]
PROPERTIES = [
    {"event": "opned", "property": "door", "type": "string"},
    {"event": "opened", "property": "door", "type": "wood"},
    {"event": "opened", "property": "door", "type": "string"},
]
PLANS = [
    {"plan": "Basic", "is_paying": True, "mau_limit": "plenty"},
    {"plan": "basic ", "is_paying": None},
]
INTERNAL = [{"match_on": "ip", "value": "10.0.0.1"}, {"match_on": "user_id"}]
ACTIVITY = [
    {"report": "a", "entity": "user", "event": "closed"},
    {"report": "a", "entity": "firm", "filter_by": "city"},
    {"report": "b", "entity": "user", "filter_by": "company.city", "filter_values": "Oslo"},
    {"report": "c", "entity": "user", "starts_on": "2025-02-30", "ends_on": "soon"},
    {"report": "d", "entity": "user", "starts_on": "2025-03-01", "ends_on": "2025-02-01"},
    {"report": "e", "entity": "company", "event": "page"},
]
RETENTION = [
    {"report": "r", "entity": "company", "breakdown": "jobTitle", "cohort_rule": "last"},
    {"report": "s", "entity": "user", "period": "year", "minimum_events": 0, "periods": "all"},
]
MILESTONES = [
    {"entity": "user", "milestone": "activated", "position": 1, "event": "paid", "within_days": 7},
    {"entity": "user", "milestone": "paid", "position": 1, "event": None, "within_days": None},
]

MESSAGES = """
tracking_plan/tracking_plan_events.csv, row 3: the name "opned" stands in row 2 already; let one event have it
tracking_plan/tracking_plan_events.csv, row 4: the name "paid" stands in row 3 already; let one event have it
tracking_plan/tracking_plan_events.csv, row 4: counts_as_active is "perhaps"; write one of: true, false, or leave it blank
tracking_plan/tracking_plan_events.csv, row 5: event is blank; fill it in
tracking_plan/tracking_plan_events.csv, row 5: expected_side is "both"; write one of: server, client
tracking_plan/tracking_plan_traits.csv, row 3: type is "text"; write one of: string, number
tracking_plan/tracking_plan_traits.csv, row 3: the user trait "job title" would be the column job_title, as the one in row 2
tracking_plan/tracking_plan_traits.csv, row 4: entity is "team"; write one of: user, company
tracking_plan/tracking_plan_traits.csv, row 4: required is "often"
tracking_plan/tracking_plan_traits.csv, row 6: the company trait "town" stands in row 5 already
tracking_plan/tracking_plan_properties.csv, row 2: event "opned" is not an event of the tracking plan; write "opened", its name today
tracking_plan/tracking_plan_properties.csv, row 3: type is "wood"
tracking_plan/tracking_plan_properties.csv, row 4: event and property "opened / door" stands in row 3 already; keep one
business/plans.csv, row 2: mau_limit is "plenty"; write a whole number
business/plans.csv, row 3: plan "basic" stands in row 2 already
business/plans.csv, row 3: is_paying is blank; write one of: true, false.
business/internal_accounts.csv, row 2: match_on is "ip"; write one of: user_id, email_domain, company_id
business/internal_accounts.csv, row 3: value is blank
reports/activity_reports.csv, row 2: event "closed" is not an event of the tracking plan; add it to tracking_plan_events.csv
reports/activity_reports.csv, row 3: report "a" stands in row 2 already
reports/activity_reports.csv, row 3: entity is "firm"; write one of: user, company
reports/activity_reports.csv, row 3: only one of filter_by and filter_values is filled in
reports/activity_reports.csv, row 5: starts_on is "2025-02-30"; write a date like 2025-03-31, or leave it blank
reports/activity_reports.csv, row 5: ends_on is "soon"
reports/activity_reports.csv, row 6: ends_on is before starts_on
reports/retention_reports.csv, row 2: breakdown "jobTitle" is not a trait of a company
reports/retention_reports.csv, row 2: cohort_rule is "last"; write one of: first, every.
reports/retention_reports.csv, row 2: period is blank; write one of: day, week, month.
reports/retention_reports.csv, row 3: period is "year"
reports/retention_reports.csv, row 3: minimum_events is "0"; write a whole number from 1
reports/retention_reports.csv, row 3: periods is "all"
reports/activation_milestones.csv, row 2: the milestone activated is made by Daybook
reports/activation_milestones.csv, row 3: entity and position "user / 1" stands in row 2 already
reports/activation_milestones.csv, row 3: event is blank
reports/activation_milestones.csv, row 3: within_days is blank; write a number of days.
""".strip().splitlines()


def test_every_problem_of_the_seeds_is_named_with_its_file_its_row_and_its_mend(daybook):
    daybook.seed("tracking_plan_events", PLAN)
    daybook.seed("tracking_plan_traits", TRAITS)
    daybook.seed("tracking_plan_properties", PROPERTIES)
    daybook.seed("plans", PLANS)
    daybook.seed("internal_accounts", INTERNAL)
    daybook.seed("activity_reports", ACTIVITY)
    daybook.seed("retention_reports", RETENTION)
    daybook.seed("activation_milestones", MILESTONES)

    build = daybook.build(fails=True)

    missing = [message for message in MESSAGES if f"seeds/{message}" not in build.output]
    assert not missing, build.output
    fine_rows = ["activity_reports.csv, row 4", "activity_reports.csv, row 7", "plans.csv, row 1"]
    assert not [row for row in fine_rows if row in build.output]


def test_a_time_zone_a_week_start_or_a_last_day_that_does_not_exist_is_named(daybook):
    build = daybook.build("--select", "+calendar", vars={"as_of": "yesterday"}, fails=True)
    assert 'as_of is "yesterday". Write a date like 2025-03-31.' in build.output

    build = daybook.build("--select", "+int_days", vars={"week_start": "friday"}, fails=True)
    assert "week_start is 'friday'. Write monday or sunday." in build.output

    build = daybook.build("--select", "+calendar", vars={"timezone": "Mars/Olympus"}, fails=True)
    assert "Mars/Olympus" in build.output
