// The alerts. `alert` brings what all have: the runbook's address, the configured labels and `for`.
local zoneServers = '{dnstower_server_role="authoritative"}';
local rate = 'zone_role_server_region:dnstower_dns_observations:rate';
local share = 'zone_role_server_region:dnstower_dns_failures:ratio';

{
  local c = $._config,
  local of = $._of,
  local bridge(metric, matchers=[]) = of(metric, matchers, c.bridgeSelector),
  // A gauge keeps its last value when a server leaves the delegation: only who is still asked counts.
  local asked(labels) = 'and on (%s) %s' % [labels, rate],
  local alert(name, pause, severity, runbook, expr, summary, description) =
    if std.member(c.disabled, name) then [] else [{
      alert: name,
      expr: expr,
      'for': std.get(c['for'], name, pause),
      labels: { severity: severity } + c.labels,
      annotations: { summary: summary, description: description, runbook_url: c.runbookUrl % runbook },
    }],

  prometheusAlerts+:: {
    groups+: [
      {
        name: 'dnstower.answers',
        rules: std.flattenArrays([
          alert(
            'DnsZoneDown', '2m', 'critical', 'zone-outage',
            'zone:dnstower_dns_down_regions:count >= %d' % c.regions,
            'Zone {{ $labels.dnstower_zone }} is down',
            'All its name servers fail nearly every question from {{ $value }} regions. Caches hide it until TTLs end.',
          ),
          alert(
            'DnsServerFailing', '5m', 'warning', 'authoritative-server-failing',
            |||
              count by (dnstower_zone, server_address) (%s%s >= %g) >= %d
                unless on (dnstower_zone) zone:dnstower_dns_down_regions:count >= %d
            ||| % [share, zoneServers, c.failing, c.regions, c.regions],
            'Name server {{ $labels.server_address }} of {{ $labels.dnstower_zone }} is failing',
            'It fails nearly every question from {{ $value }} regions; other servers of the zone answer.',
          ),
          alert(
            'DnsResolverFailing', '3m', 'critical', 'resolver-failing',
            |||
              %s == 0
                unless on (dnstower_probe_id) %s == 1
            ||| % [of('dnstower_dns_probe_control'), of('dnstower_dns_probe_blind')],
            'Resolver {{ $labels.dnstower_server_name }} does not answer',
            'It does not answer probe {{ $labels.dnstower_probe_id }} for the control name, whatever the zones do.',
          ),
          alert(
            'DnsExpectedDataMissing', '5m', 'critical', 'expected-data-missing',
            |||
              sum by (dnstower_zone, dns_question_name, dnstower_question_type, dnstower_server_role) (rate(%s[%s]))
                / sum by (dnstower_zone, dns_question_name, dnstower_question_type, dnstower_server_role) (rate(%s[%s]))
                > %g
            ||| % [
              of('dnstower_dns_violations_total', ['dnstower_expectation=~"%s"' % c.expectations]),
              c.window,
              of('dnstower_dns_observations_total'),
              c.window,
              c.missing,
            ],
            '{{ $labels.dns_question_name }} {{ $labels.dnstower_question_type }} is not as expected',
            '{{ $value | humanizePercentage }} of the {{ $labels.dnstower_server_role }} answers lack what the ' +
            'receiver is configured to expect.',
          ),
          alert(
            'DnsRegionsDisagree', '30m', 'warning', 'regions-disagree',
            local answers = of('dnstower_dns_answer_set', [
              'dnstower_server_role="recursive"',
              'dnstower_question_type!~"%s"' % c.differByType,
            ] + if c.differByName == '' then [] else ['dns_question_name!~"%s"' % c.differByName]);
            local name = 'dnstower_zone, dns_question_name, dnstower_question_type';
            local fresh = asked('dnstower_zone, dnstower_server_role, server_address, dnstower_probe_region');
            |||
              max by (%s) (%s %s)
                != min by (%s) (%s %s)
            ||| % [name, answers, fresh, name, answers, fresh],
            'Resolvers disagree about {{ $labels.dns_question_name }} {{ $labels.dnstower_question_type }}',
            'They have given different answers for longer than the alert waits: a pinned or a forged answer, or a ' +
            'name that differs by design (differByName).',
          ),
          alert(
            'DnsLatencyHigh', '10m', 'warning', 'answers-slow',
            |||
              histogram_quantile(%g, sum by (le, dnstower_zone, dnstower_probe_region) (
                rate(%s[%s])
              )) > %g
            ||| % [
              c.latencyQuantile,
              of('dns_lookup_duration_seconds_bucket', ['dnstower_server_role="authoritative"']),
              c.window,
              c.latency,
            ],
            '{{ $labels.dnstower_zone }} answers slowly in {{ $labels.dnstower_probe_region }}',
            'The slowest answers of its name servers take {{ $value | humanizeDuration }} and more.',
          ),
          alert(
            'DnsErrorsElevated', '10m', 'warning', 'errors-elevated',
            |||
              sum by (dnstower_zone, dnstower_probe_region) (zone_role_server_region:dnstower_dns_failures:rate)
                / sum by (dnstower_zone, dnstower_probe_region) (%s)
                > %g
                unless on (dnstower_zone) zone:dnstower_dns_down_regions:count >= %d
            ||| % [rate, c.errors, c.regions],
            'Questions about {{ $labels.dnstower_zone }} fail in {{ $labels.dnstower_probe_region }}',
            '{{ $value | humanizePercentage }} of them fail: timeouts, SERVFAIL, REFUSED or lame answers.',
          ),
        ]),
      },
    ],
  },
}
