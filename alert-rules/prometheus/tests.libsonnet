// What makes each alert fire and what does not: series of a receiver, one sample a minute, for promtool.
local questions(outcome, role='authoritative', server='192.0.2.1', regions=['eu', 'us'], status='', each=30) = [
  {
    series: ('dnstower_dns_observations_total{dnstower_zone="example.com", dns_question_name="www.example.com", ' +
             'dnstower_question_type="A", dnstower_server_role="%s", server_address="%s", ' +
             'dnstower_probe_region="%s", dnstower_outcome="%s", dnstower_dnssec_status="%s"}') % [
      role, server, region, outcome, status,
    ],
    values: '0+%dx300' % each,
  }
  for region in regions
];
local one(series, values) = [{ series: series, values: values }];
local of(metric, labels, values) = one(
  '%s{%s}' % [metric, std.join(', ', ['%s="%s"' % [name, labels[name]] for name in std.objectFields(labels)])], values
);
local www = {
  dnstower_zone: 'example.com',
  dns_question_name: 'www.example.com',
  dnstower_question_type: 'A',
};
local recursive(region, server, value, type='A', outcome='answer') =
  questions(outcome, 'recursive', server, [region]) +
  of('dnstower_dns_answer_set', www {
    dnstower_question_type: type,
    dnstower_server_role: 'recursive',
    server_address: server,
    dnstower_probe_region: region,
  }, '%d+0x300' % value);
local durations(fast) = std.flattenArrays([
  of('dns_lookup_duration_seconds_bucket', {
    dnstower_zone: 'example.com',
    dnstower_server_role: 'authoritative',
    dnstower_probe_region: 'eu',
    le: bucket[0],
  }, '0+%dx300' % bucket[1])
  for bucket in [['0.25', fast], ['1', 30], ['+Inf', 30]]
]);
local violations(each, expectation='data') = of('dnstower_dns_violations_total', www {
  dnstower_expectation: expectation,
  dnstower_probe_region: 'eu',
  dnstower_server_role: 'recursive',
  server_address: '192.0.2.53',
}, '0+%dx300' % each);
local down = questions('timeout') + questions('timeout', server='192.0.2.2');
local control(value, blind) =
  of('dnstower_dns_probe_control', { dnstower_probe_id: 'eu-1', dnstower_server_name: 'eu over udp' }, '%sx300' % value) +
  of('dnstower_dns_probe_blind', { dnstower_probe_id: 'eu-1' }, '%sx300' % blind);
local expiry(server, value) = of(
  'dnstower_dns_dnssec_expiry_seconds', { dnstower_zone: 'example.com', server_address: server }, '%d+0x300' % value
);
local serial(server, values) = of('dnstower_dns_zone_serial', {
  dnstower_zone: 'example.com',
  server_address: server,
  dnstower_probe_region: 'eu',
}, values);
local both = questions('answer') + questions('answer', server='192.0.2.2');
local skew(value) = of('dnstower_dns_probe_clock_skew_seconds', { dnstower_probe_id: 'eu-1' }, '%sx300' % value);
local sent(values) = of('dnstower_dns_questions_total', { dnstower_question_state: 'sent' }, '%sx300' % values);
local behind(part, value) = of('dnstower_bridge_behind_seconds', { dnstower_part: part }, '%d+0x300' % value);
local job(name, values, of_='dnstower') = of('flink_jobmanager_job_' + name, { job_name: of_ }, values);
local watermark(operator, slot, values) = of('flink_taskmanager_job_task_operator_currentInputWatermark', {
  job_name: 'dnstower',
  operator_name: operator,
  subtask_index: slot,
}, values);

{
  DnsZoneDown: {
    fires: down,
    quiet: questions('timeout') + questions('answer', server='192.0.2.2'),
  },
  DnsServerFailing: {
    fires: questions('timeout') + questions('answer', server='192.0.2.2'),
    quiet: down,
  },
  DnsResolverFailing: {
    fires: control('0+0', '0+0'),
    quiet: control('0+0', '1+0'),
  },
  DnsExpectedDataMissing: {
    fires: violations(30) + questions('answer', 'recursive', '192.0.2.53', ['eu']),
    quiet: violations(30, 'ttl') + questions('answer', 'recursive', '192.0.2.53', ['eu']),
  },
  DnsRegionsDisagree: {
    fires: recursive('eu', '192.0.2.53', 1) + recursive('us', '192.0.2.54', 2),
    // A serial is on its way; what a resolver gave before it failed is no answer.
    quiet: recursive('eu', '192.0.2.53', 1, 'SOA') + recursive('us', '192.0.2.54', 2, 'SOA') +
           recursive('eu', '192.0.2.53', 1) + recursive('ap', '192.0.2.55', 2, outcome='timeout'),
  },
  DnsLatencyHigh: { fires: durations(15), quiet: durations(29) },
  DnsErrorsElevated: {
    fires: questions('servfail', each=3) + questions('answer'),
    quiet: questions('servfail', each=1) + questions('nxdomain'),
  },
  DnssecBogus: {
    fires: questions('answer', status='bogus', each=1) + questions('answer', status='secure'),
    quiet: questions('answer', status='secure') + questions('answer', status='insecure'),
  },
  // At 290 minutes of Unix time: 27,000 s to go, or 60,000 s; or one that nobody asks any more.
  DnssecSignaturesExpiring: {
    fires: expiry('192.0.2.1', 44400) + questions('answer'),
    quiet: expiry('192.0.2.1', 77400) + expiry('192.0.2.9', 44400) + questions('answer'),
  },
  DnsRegistrationExpiring: {
    fires: of('dnstower_dns_registration_expiry_seconds', { dnstower_zone: 'example.com' }, '1700000+0x300'),
    quiet: of('dnstower_dns_registration_expiry_seconds', { dnstower_zone: 'example.com' }, '1900000+0x300'),
  },
  // The other one comes after, or never.
  DnsSerialLag: {
    fires: serial('192.0.2.1', '7+0x250 8+0x50') + serial('192.0.2.2', '7+0x300') + both,
    quiet: serial('192.0.2.1', '7+0x250 8+0x50') + serial('192.0.2.2', '7+0x252 8+0x48') + both,
  },
  DnsProbeBlind: { fires: control('0+0', '1+0'), quiet: control('0+0', '0+0') },
  DnsProbeClockSkewed: { fires: skew('-6+0'), quiet: skew('3+0') },
  DnsProbeAbsent: {
    fires: of('dnstower_dns_probe_blind', { dnstower_probe_id: 'eu-1' }, '0+0x200 stale'),
    quiet: of('dnstower_dns_probe_blind', { dnstower_probe_id: 'eu-1' }, '0+0x300'),
  },
  DnsMonitoringDown: { fires: sent('7+0'), quiet: sent('0+60') },
  // It always fires.
  DnstowerHeartbeat: { fires: sent('0+60'), quiet: null },
  DnsErrorBudgetBurningFast: {
    fires: questions('timeout', each=1) + questions('answer', each=50),
    quiet: questions('timeout', each=1) + questions('answer', each=400),
  },
  DnsErrorBudgetBurningSlowly: {
    fires: questions('timeout', each=1) + questions('answer', each=400),
    quiet: questions('timeout', each=1) + questions('answer', each=2000),
  },
  DnstowerPipelineBehind: { fires: behind('judge/3', 130), quiet: behind('judge/3', 100) + behind('deliver', 130) },
  DnstowerDeadLetters: {
    fires: one('dnstower_bridge_deadletters', '2+0x300'),
    quiet: one('dnstower_bridge_deadletters', '0+0x300'),
  },
  DnstowerPagesUndelivered: { fires: behind('deliver', 130), quiet: behind('judge/3', 130) },
  DnstowerTrouble: {
    fires: of('dnstower_bridge_trouble', { dnstower_part: 'store' }, '1+0x300'),
    quiet: of('dnstower_bridge_trouble', { dnstower_part: 'store' }, '0+0x300'),
  },
  // It restarts and does not come up, or is gone; another job is no concern of ours.
  DnstowerFlinkNotRunning: {
    fires: job('runningTime', '60000+60000x200 0+0x100') + job('runningTime', '1+60000x300', 'other'),
    quiet: job('runningTime', '60000+60000x200 0+60000x100') + job('runningTime', '1+1x200 stale', 'other'),
  },
  DnstowerFlinkNoCheckpoint: {
    fires: job('runningTime', '60000+60000x300') + job('numberOfCompletedCheckpoints', '0+6x200 1200+0x100'),
    // One in nine minutes; and a job that does not run has an alert of its own.
    quiet: job('runningTime', '60000+60000x300') + job('numberOfCompletedCheckpoints', '0+6x270 1621+0x8 1622+0x30') +
           job('runningTime', '0+0x300', 'other') + job('numberOfCompletedCheckpoints', '7+0x300', 'other'),
  },
  // In milliseconds, of which one sample brings 60,000; what has seen no event has the least that there is.
  DnstowerFlinkBehind: {
    fires: watermark('judge', '0', '0+60000x200 12000000+0x100') + watermark('judge', '1', '0+60000x300'),
    quiet: watermark('judge', '0', '-30000+60000x300') + watermark('correlate', '0', '-9223372036854775808+0x300') +
           watermark('incidents: Writer', '0', '7+0x300'),
  },
}
