-- The raw tables: the calls as they were sent, and the outcome of every line and file.
create schema if not exists raw;

create sequence if not exists raw.load_ids;

-- One row per file that was landed or refused.
create table if not exists raw.loads (
    load_id bigint primary key,
    path varchar not null,
    source varchar,             -- source id from the archive's path, null elsewhere
    sha256 varchar,             -- of the decompressed bytes; null for a refused file
    bytes bigint,               -- the file's size as stored, before decompression
    modified_at timestamp,      -- when it was last written, UTC
    lines bigint,               -- lines = landed + quarantined + blank + forgotten
    landed bigint,
    quarantined bigint,
    blank bigint,
    calls bigint,               -- rows in raw.calls
    status varchar not null,    -- landed, refused
    reason varchar,             -- why it was refused
    started_at timestamp,       -- UTC
    finished_at timestamp,
    forgotten bigint default 0  -- lines of which anything was erased or skipped: daybook forget
);
-- Databases of earlier versions lack the column.
alter table raw.loads add column if not exists forgotten bigint default 0;

-- One row per other name of landed content, so that it is not read again.
create table if not exists raw.copies (
    path varchar,
    bytes bigint,
    modified_at timestamp,
    load_id bigint              -- whose content it has
);

-- One row per landed call, its fields as the sender wrote them. Ids are normalised: white space at
-- their ends is gone, a number without a fraction has none (42.0 is 42), and null is the only absent.
create table if not exists raw.calls (
    load_id bigint,
    line_number bigint,         -- from 1
    call_number bigint,         -- position on its line, from 1
    in_batch boolean,           -- whether it is an item of a batch body
    type varchar,
    -- Where the sender gave none: a hash of the call's own content. Compression would halve the column
    -- and make reading it three times as slow.
    message_id varchar using compression uncompressed,
    user_id varchar,
    anonymous_id varchar,
    group_id varchar,
    previous_id varchar,
    event varchar,
    name varchar,
    category varchar,
    channel varchar,
    properties json,
    traits json,
    context json,               -- context, sent_at and received_at: inherited from the batch body where absent
    integrations json,
    "timestamp" varchar,
    original_timestamp varchar,
    sent_at varchar,
    received_at varchar
);

-- One row per quarantined line, or quarantined call of a line.
create table if not exists raw.quarantine (
    load_id bigint,
    line_number bigint,
    call_number bigint,         -- null: the whole line
    reason varchar,
    line blob                   -- verbatim, without its line ending
);

-- One row per load that was unloaded.
create table if not exists raw.taken_out (
    load_id bigint,
    path varchar,
    taken_out_at timestamp      -- UTC
);

-- One row per call or line that was erased, or skipped on landing, because it belongs to a forgotten
-- person or company. It says where, and not whose.
create table if not exists raw.forgotten_calls (
    load_id bigint,
    line_number bigint,
    call_number bigint          -- null: the whole line
);

-- One row per forgotten id. The id itself is not kept.
create table if not exists raw.forgotten_ids (
    kind varchar,               -- user, anonymous, company; nobody: a placeholder in lower case
    hash varchar,               -- HMAC-SHA256 of the kind, a colon and the id
    engine_hash ubigint,        -- DuckDB's hash of the id and the key: a quick pre-filter
    forgotten_at timestamp      -- UTC
);

-- One row once somebody was forgotten: the key of these hashes. It stays here.
create table if not exists raw.forgetting_key (
    key varchar,
    engine_sample ubigint       -- DuckDB's hash of the key: another version may hash otherwise
);

-- dbt's memory was here in versions before 0.2; it is in the schema meta now.
drop table if exists raw.builds;
