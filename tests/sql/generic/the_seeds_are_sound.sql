{# Stops the build with every problem's file, row and mend on the terminal. #}
{% test the_seeds_are_sound(model) %}
    select message
    from (
        select string_agg(message, chr(10) order by file, line, message) as message
        from {{ model }}
    ) as problems
    where
        message is not null
        -- In the filter, where no optimiser can leave it out.
        and {{ stop_with("'Mend the seeds first:' || chr(10) || message") }} is null
{% endtest %}
