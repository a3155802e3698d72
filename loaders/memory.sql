-- What dbt remembers between builds.
create schema if not exists meta;

-- One row per run of dbt, the newest last.
create table if not exists meta.builds (
    build bigint,               -- from 1; rows that a run writes have its number
    invocation varchar,         -- random: after a backup is restored, numbers are given again
    command varchar,            -- of dbt: build, run, test, ...
    version bigint,             -- of what the models keep (macro models_version)
    latest_load bigint,         -- the newest load when it began
    taken_out bigint,           -- how many loads had been unloaded when it began
    ended_well boolean,         -- a whole `dbt build` without a failed model or test
    as_of date,                 -- the last complete day, in that run
    latest_day date,            -- the latest day with a call, in that run
    loads varchar,              -- a digest of the landed loads when it began
    passed boolean,             -- no model or test of it failed, a company's own included
    vars json                   -- the vars of that run that the tables depend on, as texts
);

-- One row per seed and model of Daybook that has been built.
create table if not exists meta.tables (
    name varchar,               -- schema.table
    grounds varchar             -- hash of the vars and seeds that it was built with
);

-- One row per model of the materialization `keyed` (macros/keyed.sql).
create table if not exists meta.model_runs (
    model varchar,              -- schema.table
    run bigint,                 -- the build in which it last ran
    rebuilt_in bigint,          -- the build in which it was last selected from everything
    changes_since bigint,       -- <model>__changes has all changes of later builds than this one
    fingerprint ubigint         -- hash of what all of its rows rest on: code, vars, plan, rebuilt inputs
);

-- One row: the key of the hashes that published files have in place of e-mail addresses. It stays here.
create table if not exists meta.publishing_key (key varchar);
