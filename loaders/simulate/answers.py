"""The right answers to the seven questions of the tracking plan."""

from dataclasses import dataclass

import polars as pl

from loaders.simulate.calendar import DAY, SECOND, Calendar, date_of, week_of
from loaders.simulate.companies import plan_at
from loaders.simulate.world import PAYING, PLAN_LIMITS

FEW_REPORTS = 20
MANY_USERS = 1_000
IS_PAYING = pl.col("plan").is_in(PAYING)


@dataclass(frozen=True)
class Noted:
    """Counts of the acts that count; `len` is their number."""

    weeks: pl.DataFrame  # person, company, week
    uses: pl.DataFrame  # feature, person, company, len: in the last whole month
    loads: pl.DataFrame  # company, len: reports loaded in the last 30 days


class Answers:
    """One answer per question, from the people, the companies and the noted acts."""

    def __init__(
        self,
        calendar: Calendar,
        people: pl.DataFrame,
        companies: pl.DataFrame,
        tracked_users: pl.DataFrame,
        noted: Noted,
    ):
        self.calendar, self.noted = calendar, noted
        self.people = people.filter(~pl.col("is_internal"))
        self.companies, self.tracked_users = companies, tracked_users

    def all(self) -> dict:
        """Return all seven, ready for JSON."""
        return {
            "q1_retention_by_role": self.retention_by_role(),
            "q2_sign_ups_by_source": self.sign_ups_by_source(),
            "q3_paying_by_business_type": self.paying_by_business_type(),
            "q4_over_limits": self.over_limits(),
            "q5_retention_by_tracks_groups": self.retention_by_tracks_groups(),
            "q6_few_reports_loaded": self.few_reports_loaded(),
            "q7_popular_features": self.popular_features(),
        }

    def retention_by_role(self) -> dict:
        """By role at sign-up, or the first one given later."""
        role = pl.coalesce("role", "new_role", pl.lit("(none)"))
        return self._retention("person", self.people, role)

    def retention_by_tracks_groups(self) -> dict:
        """By whether the company tracked groups: when it signed up, and in the end."""
        later = pl.col("tracks_groups_from") < self.calendar.end
        clocks = {
            "entry": pl.col("tracks_groups"),
            "latest": pl.col("tracks_groups") | later.fill_null(False),
        }
        return {
            clock: self._retention("company", self.companies, value.cast(pl.String))
            for clock, value in clocks.items()
        }

    def _retention(self, entity: str, born: pl.DataFrame, value: pl.Expr) -> dict:
        """By value and week since sign-up: cohort size and retained, of the weeks that are over."""
        last_whole = week_of(self.calendar.as_of + 1) - 1
        numbers = range(1, last_whole - week_of(self.calendar.first_day) + 1)
        returned = self.noted.weeks.select(entity, "week").drop_nulls().unique()
        cells = (
            born.select(
                entity,
                value=value,
                cohort=week_of((pl.col("signed_up_at") + SECOND) // DAY),
            )
            .join(pl.DataFrame({"number": numbers}, schema={"number": pl.Int64}), how="cross")
            .with_columns(week=pl.col("cohort") + pl.col("number"))
            .filter(pl.col("week") <= last_whole)
            .join(returned.with_columns(came=True), on=[entity, "week"], how="left")
            .group_by("value", "number")
            .agg(cohort_size=pl.len(), retained=pl.col("came").count())
            .sort("value", "number")
        )
        told = {}
        for kind, number, size, retained in cells.iter_rows():
            told.setdefault(kind, {})[str(number)] = {"cohort_size": size, "retained": retained}
        return told

    def sign_ups_by_source(self) -> dict:
        """By where people heard of the product; `invited` for invited people."""
        heard = pl.col("signup_source").fill_null("(none)")
        source = pl.when("is_invited").then(pl.lit("invited")).otherwise(heard)
        return dict(self.people.group_by(source=source).len().sort("source").iter_rows())

    def paying_by_business_type(self) -> dict:
        """By the earliest type that any member gave, also if the member worked elsewhere then."""
        members = self._members()
        given = (
            members.drop_nulls("given_business_type")
            .sort("company", "signed_up_at", "person")
            .unique("company", keep="first", maintain_order=True)
            .select("company", kind="given_business_type")
        )
        counted = (
            self.companies.filter(IS_PAYING)
            .select("company")
            .join(given, on="company", how="left")
            .join(members.select("company", "person"), on="company", how="left")
            .group_by(pl.col("kind").fill_null("(none)"))
            .agg(
                paying_companies=pl.col("company").n_unique(),
                users=pl.col("person").n_unique(),
                members=pl.col("person").count(),
            )
            .sort("kind")
        )
        return {row.pop("kind"): row for row in counted.to_dicts()}

    def _members(self) -> pl.DataFrame:
        """The memberships: a row per person and company."""
        columns = ["person", "company", "signed_up_at", "given_business_type"]
        second = self.people.drop("company").rename({"second_company": "company"})
        return pl.concat(
            [self.people.select(columns), second.drop_nulls("company").select(columns)]
        )

    def over_limits(self) -> dict:
        """By the latest count of users that the customer tracks."""
        latest = self.tracked_users.sort("company", "at").unique(
            "company", keep="last", maintain_order=True
        )
        counted = self.companies.select(
            "company", limit=pl.col("plan").replace_strict(PLAN_LIMITS, return_dtype=pl.Int64)
        ).join(latest, on="company")
        return {
            "over_1000": counted.filter(pl.col("mau") > MANY_USERS).height,
            "over_the_limit_of_their_plan": counted.filter(pl.col("mau") > pl.col("limit")).height,
            "companies_by_plan": dict(
                self.companies.group_by("plan").len().sort("plan").iter_rows()
            ),
        }

    def few_reports_loaded(self) -> dict:
        """Paying companies with fewer than twenty in the last 30 days."""
        paying = self.companies.filter(IS_PAYING).join(self.noted.loads, on="company", how="left")
        few = paying.filter(pl.col("len").fill_null(0) < FEW_REPORTS)
        return {
            "paying_companies": paying.height,
            "with_fewer_than_20": few.height,
            "with_none": few["len"].null_count(),
            "company_ids": sorted(few["company_id"]),
        }

    def popular_features(self) -> dict:
        """By segment and feature; a company counts as paying if it was at the end of the month."""
        first, last = self.calendar.last_whole_month
        if last < self.calendar.first_day:
            return {"month": None}
        pays = plan_at(pl.lit((last + 1) * DAY)).is_in(PAYING)
        segment = pl.when(pays).then(pl.lit("paying")).otherwise(pl.lit("free"))
        uses = self.noted.uses.join(self.companies.select("company", segment=segment), on="company")
        told = {"month": str(date_of(first)), "active": {}, "features": {}}
        for entity, column in (("company", "company"), ("user", "person")):
            of_somebody = uses.drop_nulls(column)
            active = of_somebody.group_by("segment").agg(pl.col(column).n_unique()).sort("segment")
            told["active"][entity] = dict(active.iter_rows())
            adopted = (
                of_somebody.drop_nulls("feature")
                .group_by("segment", "feature")
                .agg(adopters=pl.col(column).n_unique(), uses=pl.col("len").sum())
                .sort("segment", "feature")
            )
            features = told["features"].setdefault(entity, {})
            for kind, feature, adopters, count in adopted.iter_rows():
                features.setdefault(kind, {})[feature] = {"adopters": adopters, "uses": count}
        return told
