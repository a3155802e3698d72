"""`daybook land`: every line of a log becomes calls in `raw`, or is quarantined with its reason.

command    land, status, quarantine and unland, with what they print (`printing`)
discover   paths -> files; for buckets, `objects` lists the objects and fetches them in advance
           (`fetching`)
stream     a file -> unpacked bytes, verified and hashed
spools     files -> blocks of whole lines, as much as DuckDB stores at once
storing    a spool -> rows: DuckDB stores most lines (`judging` is its SQL); lines that it cannot
           judge (`leniency`) are read one by one (`sift`, `strict_json`, `message_id`)
ledger     the row of each file in `raw.loads`
lander     runs these steps for many files, in transactions
parts      the data types that spools, storing and ledger share
quarantine the reasons, and the quarantined lines
"""
