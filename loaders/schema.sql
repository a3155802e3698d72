-- The raw tables: what was sent, and what became of every line of it.
create schema if not exists raw;

create sequence if not exists raw.load_ids;

-- One row per file that was landed or refused.
create table if not exists raw.loads (
    load_id bigint primary key,
    path varchar not null,
    source varchar,             -- where the path tells it
    sha256 varchar,             -- of the decompressed bytes; null where they could not be read
    bytes bigint,               -- the file's size as it lies there
    modified_at timestamp,      -- when it was last written, UTC
    lines bigint,               -- lines = landed + quarantined + blank
    landed bigint,
    quarantined bigint,
    blank bigint,
    calls bigint,               -- rows in raw.calls
    status varchar not null,    -- landed, refused
    reason varchar,             -- why it was refused
    started_at timestamp,       -- UTC
    finished_at timestamp
);

-- One row per other name under which landed content was seen: spares reading it again.
create table if not exists raw.copies (
    path varchar,
    bytes bigint,
    modified_at timestamp,
    load_id bigint              -- whose content it has
);

-- One row per landed call, its fields as the sender wrote them.
create table if not exists raw.calls (
    load_id bigint,
    line_number bigint,         -- from 1
    call_number bigint,         -- position in its batch, from 1; 1 for a plain line
    in_batch boolean,           -- whether the line was a batch body
    type varchar,
    -- Where the sender gave none: a hash of the call's own content. Not packed: that would halve the
    -- column, and read it at a third of the speed.
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
    context json,               -- these three as inherited from the batch body, where the call had none
    integrations json,
    "timestamp" varchar,
    original_timestamp varchar,
    sent_at varchar,
    received_at varchar
);

-- One row per line, or call of a batch, that was set aside.
create table if not exists raw.quarantine (
    load_id bigint,
    line_number bigint,
    call_number bigint,         -- null: the whole line
    reason varchar,
    line blob                   -- verbatim, without its line ending
);

-- One row per load that was taken out again.
create table if not exists raw.taken_out (
    load_id bigint,
    path varchar,
    taken_out_at timestamp      -- UTC
);

-- dbt's memory was here in versions before 0.2; it is in the schema meta now.
drop table if exists raw.builds;
