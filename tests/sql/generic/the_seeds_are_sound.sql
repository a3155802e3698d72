{# Stops the build with every problem's file, row and mend on the terminal. #}
{% test the_seeds_are_sound(model) %}
    select {{ stop_with("'Mend the seeds first:' || chr(10) || string_agg(message, chr(10) order by message)") }}
    from {{ model }}
    having count(*) > 0
{% endtest %}
