-- Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
with

published (part, base, low, high) as (
    values
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0000, 0.1611),
    (1, 29, 0.0061, 0.1718),
    (29, 29, 0.8830, 1.0000), -- as 0 of 29, turned round: 0 to 0.1170
    (0, 0, null, null)
),

ours as (
    select
        *,
        {{ wilson_low('part', 'base') }} as our_low,
        {{ wilson_high('part', 'base') }} as our_high
    from published
)

select *
from ours
where
    round(our_low, 4) is distinct from low
    or round(our_high, 4) is distinct from high
