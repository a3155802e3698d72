"""`daybook land`: every line of a log becomes calls in `raw`, or is quarantined with its reason.

command    land, status, quarantine and unland, with what they print (`printing`)
discover   paths -> files; `objects` lists and fetches those of a bucket, ahead of their turn
           (`fetching`)
stream     a file -> unpacked bytes, verified and hashed
spools     files -> blocks of whole lines, as much as DuckDB stores at once
storing    a spool -> rows: most lines by DuckDB (`judging` is its SQL), and those that DuckDB
           cannot judge (`leniency`) one by one (`sift`, `strict_json`, `message_id`)
ledger     the row of each file in `raw.loads`
lander     all of that for many files, in transactions
parts      what spools, storing and ledger hand on to each other
quarantine the reasons, and the quarantined lines
"""
