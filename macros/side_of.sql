{# Side that sent a call: server or client, null if unknown. The channel decides if the sender gave one
   (RudderStack: server, web, mobile), otherwise a word in the name of the library. #}
{% macro side_of(channel, library) -%}
    case
        when lower({{ channel }}) = 'server' then 'server'
        when lower({{ channel }}) in ('web', 'mobile', 'browser', 'client') then 'client'
        when {{ has_word(library, ['js', 'javascript', 'web', 'browser', 'ios', 'objc', 'swift',
            'android', 'kotlin', 'react', 'flutter', 'unity', 'cordova', 'xamarin', 'roku']) }}
            then 'client'
        when {{ has_word(library, ['server', 'http', 'node', 'nodejs', 'python', 'ruby', 'java', 'go',
            'golang', 'php', 'net', 'dotnet', 'csharp', 'rust', 'clojure', 'elixir', 'scala']) }}
            then 'server'
    end
{%- endmacro %}
