{# What an incremental model rests on beside the calls: the timezone that days are counted in, and
   that no load was taken out. It keeps them with each row, in the column `grounds`. #}
{% macro grounds() -%}
    {%- set taken_out = run_query('select count(*) from raw.taken_out') if execute -%}
    '{{ var("timezone") }}, {{ taken_out.columns[0][0] if execute else 0 }} loads taken out'
{%- endmacro %}

{# Before an incremental model, in its transaction: what was built on other grounds goes, and the
   model is built again from all there is. #}
{% macro start_anew_on_other_grounds() -%}
    {%- if execute and load_relation(this) is not none -%}
    delete from {{ this }}
    where exists (select 1 from {{ this }} as built where built.grounds <> {{ grounds() }})
    {%- endif -%}
{%- endmacro %}
