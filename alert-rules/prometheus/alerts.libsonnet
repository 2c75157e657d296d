// The alerts. `alert` brings what all have: the runbook's address, the configured labels and `for`.
local zoneServers = '{dnstower_server_role="authoritative"}';
local rate = 'zone_role_server_region:dnstower_dns_observations:rate';
local share = 'zone_role_server_region:dnstower_dns_failures:ratio';

{
  local c = $._config,
  local of = $._of,
  local bridge(metric, matchers=[]) = of(metric, matchers, c.bridgeSelector),
  local job(metric, matchers=[]) = of('flink_' + metric, matchers, c.flinkSelector),
  local one(metric) = metric + c.oneSuffix,
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
            ||| % [of(one('dnstower_dns_probe_control')), of(one('dnstower_dns_probe_blind'))],
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
            local server = 'dnstower_zone, dnstower_server_role, server_address, dnstower_probe_region';
            local fresh = 'and on (%s) %s < 1' % [server, share];  // it answers still
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
      {
        name: 'dnstower.trust',
        rules: std.flattenArrays([
          alert(
            'DnssecBogus', '5m', 'critical', 'dnssec-validation-failing',
            |||
              sum by (dnstower_zone) (rate(%s[%s]))
                / sum by (dnstower_zone) (rate(%s[%s]))
                > %g
            ||| % [
              of('dnstower_dns_observations_total', ['dnstower_dnssec_status="bogus"']),
              c.window,
              of('dnstower_dns_observations_total', ['dnstower_dnssec_status=~".+"']),
              c.window,
              c.bogus,
            ],
            'DNSSEC validation of {{ $labels.dnstower_zone }} fails',
            '{{ $value | humanizePercentage }} of its answers are bogus: validating resolvers give SERVFAIL for them.',
          ),
          alert(
            'DnssecSignaturesExpiring', '10m', 'critical', 'signatures-expiring',
            |||
              min by (dnstower_zone) (%s %s) - time() < %d
            ||| % [of('dnstower_dns_dnssec_expiry_seconds'), asked('dnstower_zone, server_address'), c.signaturesExpire],
            'Signatures of {{ $labels.dnstower_zone }} expire and are not renewed',
            'The first expires in {{ $value | humanizeDuration }}; from then on validating resolvers give SERVFAIL.',
          ),
          alert(
            'DnsRegistrationExpiring', '1h', 'warning', 'registration-expiring',
            |||
              min by (dnstower_zone) (%s) - time() < %d
            ||| % [of('dnstower_dns_registration_expiry_seconds'), c.registrationExpires],
            'The registration of {{ $labels.dnstower_zone }} expires',
            'It ends in {{ $value | humanizeDuration }}. Registrars renew weeks before: automatic renewal is off or fails.',
          ),
          alert(
            'DnsSerialLag', '10m', 'warning', 'server-lagging',
            local serial = of('dnstower_dns_zone_serial');
            |||
              max by (dnstower_zone, server_address) (%s %s)
                < on (dnstower_zone) group_left
                max by (dnstower_zone) (%s offset %s)
            ||| % [serial, asked('dnstower_zone, server_address'), serial, c.lag],
            'Name server {{ $labels.server_address }} of {{ $labels.dnstower_zone }} lags behind',
            'It still has serial {{ $value | printf "%.0f" }}; another server has had a higher one for minutes.',
          ),
        ]),
      },
      {
        name: 'dnstower.probes',
        rules: std.flattenArrays([
          alert(
            'DnsProbeBlind', '2m', 'warning', 'probe-blind',
            '%s == 1' % of(one('dnstower_dns_probe_blind')),
            'Probe {{ $labels.dnstower_probe_id }} sees nothing',
            'Nobody answers it: its host or its network. What it says about zones means nothing until then.',
          ),
          alert(
            'DnsProbeClockSkewed', '5m', 'warning', 'probe-clock-skewed',
            'abs(%s) > %g' % [of('dnstower_dns_probe_clock_skew_seconds'), c.clockSkew],
            'The clock of probe {{ $labels.dnstower_probe_id }} is wrong',
            'It is {{ $value | humanizeDuration }} off its reference: signatures and times are judged by it.',
          ),
          alert(
            'DnsProbeAbsent', '5m', 'warning', 'probe-silent',
            local blind = of(one('dnstower_dns_probe_blind'));
            |||
              group by (dnstower_probe_id) (max_over_time(%s[%s]))
                unless group by (dnstower_probe_id) (%s)
            ||| % [blind, c.probeMemory, blind],
            'Probe {{ $labels.dnstower_probe_id }} is gone',
            'Its metrics came within the last hours and come no more: the receiver, its host, or the way to it.',
          ),
          alert(
            'DnsMonitoringDown', '5m', 'critical', 'monitoring-down',
            local questions = of('dnstower_dns_questions_total', ['dnstower_question_state="sent"']);
            |||
              absent(%s)
                or sum(rate(%s[%s])) == 0
            ||| % [questions, questions, c.window],
            'DNS is not monitored',
            'No receiver asks anything: the other alerts about DNS cannot fire.',
          ),
          alert(
            'DnstowerHeartbeat', '0m', 'none', 'monitoring-down',
            'vector(1)',
            'Alerts get through',
            'Always fires. Send it to something outside that calls you when it stops coming.',
          ),
        ]),
      },
      {
        name: 'dnstower.availability',
        rules:
          // Burn rates, long window, short window: 2 % of a 30-day budget in 1 h, 5 % in 6 h; 10 % in 1 d and in 3 d.
          local burning(pairs) = std.join('or\n', [
            |||
              (
                zone:dnstower_dns_failures:ratio_rate%s > %g
                  and zone:dnstower_dns_failures:ratio_rate%s > %g
              )
            ||| % [pair[1], pair[0] * (1 - c.objective), pair[2], pair[0] * (1 - c.objective)]
            for pair in pairs
          ]);
          alert(
            'DnsErrorBudgetBurningFast', '2m', 'critical', 'error-budget-burning',
            burning([[14.4, '1h', '5m'], [6, '6h', '30m']]),
            'The name servers of {{ $labels.dnstower_zone }} use up their error budget within days',
            '{{ $value | humanizePercentage }} of questions to them fail, against an objective of %g %%.'
            % (100 * c.objective),
          ) +
          alert(
            'DnsErrorBudgetBurningSlowly', '15m', 'warning', 'error-budget-burning',
            burning([[3, '1d', '2h'], [1, '3d', '6h']]),
            'The name servers of {{ $labels.dnstower_zone }} use up their error budget before its period ends',
            '{{ $value | humanizePercentage }} of questions to them fail, against an objective of %g %%.'
            % (100 * c.objective),
          ),
      },
      {
        // Bridges that share a store say the same of it.
        name: 'dnstower.bridge',
        rules: std.flattenArrays([
          alert(
            'DnstowerPipelineBehind', '5m', 'warning', 'bridge-in-trouble',
            'max by (job, dnstower_part) (%s) > %g' % [bridge('dnstower_bridge_behind_seconds', ['dnstower_part!="deliver"']), c.behind],
            'kafka-bridge is behind: {{ $labels.dnstower_part }}',
            'By {{ $value | humanizeDuration }}; incidents are that late.',
          ),
          alert(
            'DnstowerDeadLetters', '0m', 'warning', 'bridge-in-trouble',
            'max by (job) (%s) > 0' % bridge('dnstower_bridge_deadletters'),
            'Events that kafka-bridge cannot read',
            '{{ $value }} dead letters of the last hour were not sent again.',
          ),
          alert(
            'DnstowerPagesUndelivered', '2m', 'critical', 'pages-undelivered',
            'max by (job, dnstower_part) (%s) > %g' % [bridge('dnstower_bridge_behind_seconds', ['dnstower_part="deliver"']), c.behind],
            'Pages about DNS do not reach anybody',
            'The oldest has waited for {{ $value | humanizeDuration }}.',
          ),
          alert(
            'DnstowerTrouble', '2m', 'critical', 'bridge-in-trouble',
            '%s == 1' % bridge(one('dnstower_bridge_trouble')),
            'kafka-bridge does not work: {{ $labels.dnstower_part }}',
            'Its /readyz and `kafka-bridge doctor` say why, and what to do.',
          ),
        ]),
      },
      {
        // Flink's reporters for Prometheus and for OTLP name gauges alike.
        name: 'dnstower.flink',
        rules: std.flattenArrays([
          alert(
            'DnstowerFlinkNotRunning', '2m', 'critical', 'flink-in-trouble',
            |||
              group by (job_name) (max_over_time(%s[%s]) > 0)
                unless group by (job_name) (%s > 0)
            ||| % [job('jobmanager_job_runningTime'), c.probeMemory, job('jobmanager_job_runningTime')],
            'The judgement does not run on Flink',
            'Job {{ $labels.job_name }} ran within the last hours and does not now: no incident is made.',
          ),
          alert(
            'DnstowerFlinkNoCheckpoint', '5m', 'critical', 'flink-in-trouble',
            |||
              max by (job_name) (increase(%s[%s])) == 0
                and max by (job_name) (max_over_time(%s[%s])) > 0
            ||| % [
              job('jobmanager_job_numberOfCompletedCheckpoints'),
              c.checkpoints,
              job('jobmanager_job_runningTime'),
              c.checkpoints,
            ],
            'The judgement on Flink completes no checkpoint',
            'What it finds is told once a checkpoint has ended: nobody hears of it.',
          ),
          alert(
            'DnstowerFlinkBehind', '5m', 'warning', 'flink-in-trouble',
            'max by (job_name) (time() - %s / 1000) > %g' % [
              '(%s > 0)' % job('taskmanager_job_task_operator_currentInputWatermark', ['operator_name=~"judge|correlate"']),
              c.behind,
            ],
            'The judgement on Flink is behind',
            'By {{ $value | humanizeDuration }}; incidents are that late.',
          ),
        ]),
      },
    ],
  },
}
