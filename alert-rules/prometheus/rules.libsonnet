// Recording rules: questions and failures by zone, role, server and region, and what the error budget needs.
local server = 'dnstower_zone, dnstower_server_role, server_address, dnstower_probe_region';
local good = 'answer|nodata|nxdomain';

{
  local c = $._config,

  // A metric with the configured matchers and these.
  _of:: function(metric, matchers=[], selector=c.receiverSelector)
    local all = [m for m in [selector] + matchers if m != ''];
    metric + if all == [] then '' else '{' + std.join(', ', all) + '}',

  // Windows of the burn rates, the shorter one of each pair first.
  _windows:: ['5m', '30m', '1h', '2h', '6h', '1d', '3d'],

  prometheusRules+:: {
    groups+: [
      {
        name: 'dnstower.rules',
        rules: [
          {
            record: 'zone_role_server_region:dnstower_dns_observations:rate',
            expr: 'sum by (%s) (rate(%s[%s])) > 0' % [server, $._of('dnstower_dns_observations_total'), c.window],
          },
          {
            record: 'zone_role_server_region:dnstower_dns_failures:rate',
            expr: |||
              sum by (%s) (rate(%s[%s]))
                or 0 * zone_role_server_region:dnstower_dns_observations:rate
            ||| % [
              server,
              $._of('dnstower_dns_observations_total', ['dnstower_outcome!~"%s"' % good]),
              c.window,
            ],
          },
          {
            record: 'zone_role_server_region:dnstower_dns_failures:ratio',
            expr: |||
              zone_role_server_region:dnstower_dns_failures:rate
                / zone_role_server_region:dnstower_dns_observations:rate
            |||,
          },
          {
            // Buckets of how long answers take; what dashboards read, over days.
            record: 'zone_role_region_le:dns_lookup_duration_seconds:rate',
            expr: 'sum by (dnstower_zone, dnstower_server_role, dnstower_probe_region, le) (rate(%s[%s]))'
                  % [$._of('dns_lookup_duration_seconds_bucket'), c.window],
          },
          {
            // In how many regions every server of a zone fails.
            record: 'zone:dnstower_dns_down_regions:count',
            expr: |||
              count by (dnstower_zone) (
                min by (dnstower_zone, dnstower_probe_region) (
                  zone_role_server_region:dnstower_dns_failures:ratio{dnstower_server_role="authoritative"}
                ) >= %g
              )
            ||| % c.failing,
          },
        ],
      },
      {
        name: 'dnstower.availability.rules',
        rules: [
          {
            record: 'zone:dnstower_dns_failures:ratio_rate%s' % w,
            expr: |||
              sum by (dnstower_zone) (
                sum_over_time(zone_role_server_region:dnstower_dns_failures:rate{dnstower_server_role="authoritative"}[%s])
              ) / sum by (dnstower_zone) (
                sum_over_time(zone_role_server_region:dnstower_dns_observations:rate{dnstower_server_role="authoritative"}[%s])
              )
            ||| % [w, w],
          }
          for w in $._windows
        ],
      },
    ],
  },
}
