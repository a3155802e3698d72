-- The time that a text holds, as a UTC timestamp; null where it holds none. ISO 8601's extended
-- calendar form from 1970 to 2099: a date alone, or a date and a time; an offset is honoured,
-- none means UTC (the session's TimeZone must be UTC).
case
    -- What most senders write comes first, because it is told quickly. To `?` any character will do:
    -- nothing but a digit there makes a time of it, and a blank before the hour is kept out.
    when {text} glob '20??-??-??T[0-9]?:??:??.[0-9][0-9][0-9]Z' then try_cast({text} as timestamp)
    when regexp_full_match({text}, '20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z')
        then try_cast({text} as timestamp)
    when regexp_full_match(
        {text},
        '\d\d\d\d-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:[Zz]|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?)?'
    )
        and try_cast(replace(upper({text}), ',', '.') as timestamptz)
            between timestamptz '1970-01-01 00:00:00+00' and timestamptz '2099-12-31 23:59:59.999999+00'
        then try_cast(replace(upper({text}), ',', '.') as timestamptz)::timestamp
end
